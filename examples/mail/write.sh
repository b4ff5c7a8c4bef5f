#!/bin/sh
# Appends a message to a mailbox: sh write.sh mailboxes/henry.txt 'hello'
# Without a text, it appends each line of its input, and prints the line once it is in the file.
file=$1
append() {
  lines=$(printf '%s\n' "$1" | sed 's/\r$//; s/\r/\ndata: /g; s/^/data: /')
  if [ "$(printf %s "$lines" | wc -c)" -gt 4000 ]; then
    echo 'A longer message would not be one write: use another of the examples.' >&2
    exit 1
  fi
  # awk opens the file when it is ready to write. A shell opens it first, and starts the program then.
  LINES=$lines FILE=$file awk 'BEGIN { printf "\n\n%s\n\n", ENVIRON["LINES"] >> ENVIRON["FILE"] }' || exit 1
}
if [ $# -gt 1 ]; then
  append "$2"
else
  while IFS= read -r line; do
    append "$line"
    printf '%s\n' "$line"
  done
fi
