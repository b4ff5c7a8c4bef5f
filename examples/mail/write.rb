#!/usr/bin/env ruby
# Appends a message to a mailbox: write.rb mailboxes/henry.txt 'hello'
# Without a text, it appends each line of its input, and prints the line once it is in the file.
def append(file, text)
  lines = text.b.split(/\r\n|\r|\n/n, -1).map { |line| "data: #{line}\n" }
  lines = ["data: \n"] if lines.empty?
  abort 'A message may be 1 MiB long.' if lines.join.bytesize > 1024 * 1024
  event = "\n\n#{lines.join}\n"
  written = File.open(file, 'ab') { |mailbox| mailbox.syswrite(event) }
  abort 'Only a part of the message was written: the disk may be full.' if written < event.bytesize
end

if ARGV.length > 1
  append(ARGV[0], ARGV[1])
else
  $stdout.sync = true
  $stdin.each_line do |line|
    append(ARGV[0], line.chomp)
    print line
  end
end
