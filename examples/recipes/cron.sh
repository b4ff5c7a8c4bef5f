#!/bin/sh
# cron.sh <person> <command> [<argument>…]: sends what the command prints, and whether it failed. Silence sends nothing.
who=$1
shift
said=$({ "$@" 2>&1 || printf '%s failed: exit code %s.\n' "$1" "$?"; } | tail -c 3900)
[ -z "$said" ] && exit
# If it cannot be sent, cron mails it as usual.
printf '%s\n' "$said" | mailbox-chat send "$who" - --as cron >/dev/null || printf '%s\n' "$said"
