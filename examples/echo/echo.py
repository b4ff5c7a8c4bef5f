import json, sys

event = json.load(sys.stdin.buffer)
try:
    mail = json.loads(event['data'])
    answer = {'sender': 'bot', 'receiver': mail['sender'], 'message': mail['message'], 'key': 'echo-' + event['id']}
except Exception:
    sys.exit()  # another program wrote it
if mail['sender'] != 'bot':
    print(json.dumps(answer))
