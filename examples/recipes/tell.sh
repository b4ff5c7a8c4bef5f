#!/bin/sh
# … | tell.sh <sender> <receiver>: sends the end of its input over HTTP.
# CHAT is the address of the chat, KEY the part of the sender's invitation link after #key=.
message=$(tail -c 3900 | iconv -c -f UTF-8 -t UTF-8)
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n') # curl may send it twice: with a key, it arrives once
# The text and the link's key are not arguments: other accounts can see those.
answer=$(
  printf '%s' "$message" | curl --fail-with-body --silent --show-error --retry 5 --retry-connrefused --retry-max-time 30 \
    ${KEY:+--header @/dev/fd/3} --data-urlencode "sender=$1" --data-urlencode "receiver=$2" --data "key=$key" \
    --data-urlencode message@- "${CHAT:-http://localhost:2012}/messages" 3<<END
Authorization: Bearer $KEY
END
) || { printf '%s\n' "$answer" >&2 && exit 1; }
