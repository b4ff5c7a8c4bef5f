#!/bin/sh
# Prints the mail in a mailbox: sh read.sh henry 0-0 < mailboxes/henry.txt (0-0: the id that the file begins after)
# An awk may end a text at a NUL, so \377 stands for it here, and \376 for \377: UTF-8 has neither.
tr '\000\377' '\377\376' | mailbox=$1 start=${2:-0-0} LC_ALL=C awk '
  BEGIN { own = last = ENVIRON["start"]; sub(/[.].*/, "", own); first = own; ID = "^(0|[1-9][0-9]*)-(0|[1-9][0-9]*)([.][1-9][0-9]*)?$" }
  function part(id, i) { split(id ".0", p, /[-.]/); return p[i] + 0 }
  function isId(id, most) { return id ~ ID && split(id, p, /[-.]/) <= most && length(p[1]) < 16 && length(p[2]) < 11 && length(p[3]) < 16 }
  function key(id) { return sprintf("%015.0f-%010.0f.%015.0f", part(id, 1), part(id, 2), part(id, 3)) } # sorts as the id does
  function json(text, i) { gsub(/\\/, "\\\\\\\\", text); gsub(/"/, "\\\\\"", text); gsub(/\377/, "\\\\u0000", text)
    for (i = 1; i < 32; i++) gsub(sprintf("%c", i), sprintf("\\\\u%04x", i), text); return text }
  function judge(fence, kind, id, to, isNext) { # shows what line[1..n] say; gives the id of a block with a wrong fence
    fence = line[1] ~ /^: after / && isId(substr(line[1], 9), 2) ? substr(line[1], 9) : ""
    split(line[2], w, / /); split(w[4], range, /-/); to = line[n]; sub(/^data: [{]"sender":"[^"\\]*","receiver":"/, "", to)
    if (n == 2 && line[2] ~ /^: end [^ ]+( [0-9]+)?$/ && isId(w[3], 3) && length(w[4]) < 16) kind = "end"
    if (n == 3 + (line[3] ~ /^event: [A-Za-z0-9_.-]+$/ && length(line[3]) < 72) && line[2] ~ /^id: / && to != line[n] && to ~ /^[^"\\]*"/ && to ~ /(^|[^\\])(\\\\)*"}$/) kind = "message"
    if (line[2] ~ /^: late [^ ]+ [0-9]+-[0-9]+$/ && isId(w[3], 3) && length(range[1]) < 16 && length(range[2]) < 16) kind = "late"
    id = kind == "end" ? w[3] : substr(line[kind == "late" ? 3 : 2], 5); sub(/".*/, "", to)
    if (kind == "late" && (line[3] !~ /^id: / || line[n] != ": whole" || !count) || kind != "end" && !isId(id, 2)) kind = ""
    if (line[n] == ": torn" || size > (kind == "late" ? 2 : 1) * 1048576 || (fence ? !kind : !count)) return ""
    isNext = fence == own && fence != wrong && (key(id) > key(last) || kind == "end" && id == last)
    if (isNext && part(id, 1) > 1e13 && part(id, 1) > part(own, 1) + 1) isNext = 0
    if (isNext && kind == "end") exit
    if (fence && !isNext && (kind != "message" || key(fence) >= key(first) && to == ENVIRON["mailbox"])) return id
    last = isNext ? own = id : own "." (part(last, 3) + 1)
    if (type !~ /^[A-Za-z0-9_.-]+$/ || length(type) > 64 || index(RESERVED, " " type " ")) type = ""
    print "{\"id\":\"" last "\"," (type == "" ? "" : "\"type\":\"" type "\",") "\"data\":\"" data "\"}" }
  { crlf = sub(/\r$/, ""); most = split($0, text, /\r/)
    for (k = 1; k == 1 || k <= most; k++) {
      if (text[k] == "") { if (n) wrong = judge(); n = size = count = 0; data = type = ""; delete line; continue }
      line[++n] = text[k]; size += length(text[k]) + 1 + (crlf && k == most); sub(n > 1 ? "^\377+" : "^(\357\273\277)?\377*", "", text[k])
      name = value = text[k]; sub(/:.*/, "", name); value = substr(value, length(name) + 2); sub(/^ /, "", value)
      if (name == "data") data = data (count++ ? "\\n" : "") json(value); else if (name == "event") type = value
    } }' RESERVED=' message open error gap presence typing sent delivered read bye ready ping '
