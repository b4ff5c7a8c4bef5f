#!/usr/bin/env python3
# Prints the mail in a mailbox: read.py henry 0-0 < mailboxes/henry.txt (0-0: the id that the file begins after)
import json, os, re, sys

OWN, N = rb'(?:0|[1-9]\d{0,14})-(?:0|[1-9]\d{0,9})', rb'(?:\.[1-9]\d{0,14})?'
EVENT = rb'(?:event: [\w.-]{1,64}\n)?'
OURS = rb'id: (%s)\n%sdata: {"sender":"[^"\\\n]*","receiver":"([^"\\\n]*)(?=")(?:.*[^\\\n])?(?:\\\\)*"}' % (OWN, EVENT)
LATE = rb': late %s%s \d{1,15}-\d{1,15}\nid: (%s)\n(?s:.*)\n: whole' % (OWN, N, OWN)
FENCED = re.compile(rb': after (%s)\n(?:(?:%s|: end (%s%s)(?: \d{1,15})?|%s)\n\Z)?' % (OWN, OURS, OWN, N, LATE))
TYPE = rb'(?!(?:message|open|error|gap|presence|typing|sent|delivered|read|bye|ready|ping)\Z)[A-Za-z0-9_.-]{1,64}'

def numbers(id):
    return [int(n) for n in re.split(rb'[.-]', id)]  # [5, 0] < [5, 0, 1] < [5, 1]

def values_of(name, text):
    return [m[1] or b'' for m in re.finditer(rb'(?:\A(?:\xef\xbb\xbf)?|\n)\0*%s(?:: ?(.*)|(?=\n))' % name, text)]

mailbox, start = os.fsencode(sys.argv[1]), os.fsencode(sys.argv[2] if sys.argv[2:] else '0-0')
own, last, wrong = start.split(b'.')[0], start, None
for block in re.split(rb'(?:\A|(?<=\n)|(?<=\r)(?!\n))[\r\n]+', sys.stdin.buffer.read())[:-1]:
    text = re.sub(rb'\r\n?', b'\n', block)
    fence, message, receiver, end, late = (m := FENCED.match(text)) and m.groups() or [None] * 5
    id, data, type = message or end or late, values_of(b'data', text), (values_of(b'event', text) or [b''])[-1]
    is_void = len(block) > (2 if late else 1) * 2**20 or (b'\n' + text).endswith(b'\n: torn\n') or (fence and not id)
    is_above = id and (numbers(id) > numbers(last) or (end and id == last))
    is_next = is_above and fence == own != wrong and numbers(id)[0] <= max(10**13, numbers(own)[0] + 1)
    is_copy = message and (numbers(fence) < numbers(start)[:2] or receiver != mailbox)
    is_void = is_void or not (end or data)
    wrong = None if is_void or not fence or is_next or is_copy else id
    if is_void or wrong:
        continue
    if end:
        break
    own, last = (id, id) if is_next else (own, b'%s.%d' % (own, numbers(last + b'.0')[2] + 1))
    kept = {'type': type.decode()} if re.fullmatch(TYPE, type) else {}
    print(json.dumps({'id': last.decode(), **kept, 'data': b'\n'.join(data).decode('utf-8', 'replace')}))
