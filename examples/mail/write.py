#!/usr/bin/env python3
# Appends a message to a mailbox: write.py mailboxes/henry.txt 'hello'
# Without a text, it appends each line of its input, and prints the line once it is in the file.
import os, re, sys

def append(file, text):
    lines = b''.join(b'data: %s\n' % line for line in re.split(rb'\r\n|\r|\n', text))
    if len(lines) > 1024 * 1024:
        sys.exit('A message may be 1 MiB long.')
    event = b'\n\n%s\n' % lines
    fd = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    if os.write(fd, event) < len(event):
        sys.exit('Only a part of the message was written: the disk may be full.')
    os.close(fd)

if len(sys.argv) > 2:
    append(sys.argv[1], os.fsencode(sys.argv[2]))
else:
    for line in sys.stdin.buffer:
        append(sys.argv[1], line.rstrip(b'\r\n'))
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
