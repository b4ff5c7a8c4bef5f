#!/bin/sh
# chat.sh send <sender> <receiver> <text>
# chat.sh listen <receiver> [all | 10m | <id>]
chat=${CHAT:-http://localhost:2012}

case $1 in
  send) curl -fsS "$chat/messages" -d "sender=$2" -d "receiver=$3" --data-urlencode "message=$4" ;;
  listen) curl -fsSN -H 'Accept: application/x-ndjson' "$chat/status?receiver=$2&since=${3:-latest}" ;;
  *) sed -n 's/^# //p' "$0" >&2 && exit 2 ;;
esac
