#!/bin/sh
# chat.sh send <sender> <receiver> <text>
# chat.sh listen <receiver> [all | 10m | <id>]
# CHAT is the address of the chat, KEY the part of an invitation link after #key=.
chat=${CHAT:-http://localhost:2012}

ask() {
  curl --fail --silent --show-error ${KEY:+--header "Authorization: Bearer $KEY"} "$@"
}

case $1 in
  send) ask "$chat/messages" --data-urlencode "sender=$2" --data-urlencode "receiver=$3" --data-urlencode "message=$4" ;;
  listen)
    ask --no-buffer --header 'Accept: application/x-ndjson' --get "$chat/status" \
      --data-urlencode "receiver=$2" --data-urlencode "since=${3:-latest}"
    ;;
  *) sed -n 's/^# //p' "$0" >&2 && exit 2 ;;
esac
