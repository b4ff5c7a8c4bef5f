#!/bin/sh
# … | tell.sh <sender> <receiver>: sends the end of its input over HTTP.
# CHAT is the address of the chat, KEY the part of the sender's invitation link after #key=.
message=$(tail -c 3900 | iconv -c -f UTF-8 -t UTF-8)
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n') # curl may send it twice: with a key, it arrives once
answer=$(printf 'Authorization: Bearer %s\n' "$KEY" | # not an argument: other accounts can see those
  curl --fail-with-body --silent --show-error --retry 5 --retry-connrefused --retry-max-time 30 ${KEY:+--header @-} \
    --data-urlencode "sender=$1" --data-urlencode "receiver=$2" --data-urlencode "message=$message" --data "key=$key" \
    "${CHAT:-http://localhost:2012}/messages") || { printf '%s\n' "$answer" >&2 && exit 1; }
