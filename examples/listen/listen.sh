#!/bin/sh
# Prints the events of a mailbox, each once: sh listen.sh 'http://localhost:2012/status?receiver=henry&since=waiting'
# A second argument is how many seconds to wait before it connects again.
cursor=$(mktemp)
trap 'rm -f "$cursor"' EXIT
trap 'exit 0' INT TERM
while :; do
  # curl omits a header without a value. `read` fails on half a line, so nothing of it is printed.
  curl -sN -H 'Accept: application/x-ndjson' -H "Last-Event-ID: $(cat "$cursor")" "$1" |
    while IFS= read -r line; do
      id=${line#'{"id":"'}
      [ "$id" = "$line" ] || printf '%s\n' "${id%%'"'*}" > "$cursor"
      printf '%s\n' "$line"
    done
  sleep "${2:-2}"
done
