#!/usr/bin/env python3
# Prints the events of a mailbox, each once: python3 listen.py 'http://localhost:2012/status?receiver=henry&since=waiting'
# A second argument is how many seconds to wait before it connects again.
import http.client, json, sys, time, urllib.request

headers = {'Accept': 'application/x-ndjson'}
while True:
    try:
        with urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers=headers), timeout=60) as lines:
            for line in lines:
                if not line.endswith(b'\n'):
                    break  # it was cut off: it comes again
                headers['Last-Event-ID'] = json.loads(line).get('id') or headers.get('Last-Event-ID', '')
                print(line.decode(), end='', flush=True)
    except (OSError, http.client.HTTPException) as error:
        print(error, file=sys.stderr)
    time.sleep(float(sys.argv[2]) if sys.argv[2:] else 2)
