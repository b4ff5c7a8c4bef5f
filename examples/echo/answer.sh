#!/bin/sh
# answer.sh <program>…: runs the program on the event on standard input, and sends the message that it prints, if any.
# CHAT is the address of the chat, KEY the part of the bot's invitation link after #key=.
answer=$("$@") || exit
[ -n "$answer" ] || exit 0
status=$(
  printf '%s' "$answer" | curl --silent --show-error --output /dev/null --write-out '%{http_code}' --data-binary @- \
    --header 'Content-Type: application/json' --header @/dev/fd/3 "${CHAT:-http://localhost:2012}/messages" 3<<END
Authorization: Bearer $KEY
END
)
case $status in
  200 | 201) ;;
  409) ;; # it was answered before, in other words
  400 | 413) echo "The chat refuses this answer ($status)." >&2 ;; # it always will: go on with the next message
  *) echo "The chat answered $status." >&2 && exit 1 ;;
esac
