#!/bin/sh
# Undoes the JSON around the message, and turns the message round.
sed -n '
  /"data":"{\\"sender\\":\\"bot\\"/d
  s/\\\(["\\]\)/\1/g
  s/^{"id":"\([^"]*\)","type":"message","data":"{"sender":"\([^"\\]*\)".*\("message":".*"\),"time":".*/{"sender":"bot","receiver":"\2",\3,"key":"echo-\1"}/p'
