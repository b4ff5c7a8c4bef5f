#!/usr/bin/env ruby
# Prints the mail in a mailbox: read.rb henry 0-0 < mailboxes/henry.txt (0-0: the id that the file begins after)
require 'json'

OWN, N = '(?:0|[1-9]\d{0,14})-(?:0|[1-9]\d{0,9})', '(?:\.[1-9]\d{0,14})?'
EVENT = "(?:event: [A-Za-z0-9_.-]{1,64}\n)?"
OURS = "id: (#{OWN})\n#{EVENT}data: " + '{"sender":"[^"\\\\\n]*","receiver":"([^"\\\\\n]*)(?=")(?:.*[^\\\\\n])?(?:\\\\\\\\)*"}'
LATE = ": late #{OWN}#{N} \\d{1,15}-\\d{1,15}\nid: (#{OWN})\n(?m:.*)\n: whole"
FENCED = /\A: after (#{OWN})\n(?:(?:#{OURS}|: end (#{OWN}#{N})(?: \d{1,15})?|#{LATE})\n\z)?/n
TYPE = /\A(?!(?:message|open|error|gap|presence|typing|sent|delivered|read|bye|ready|ping)\z)[A-Za-z0-9_.-]{1,64}\z/

def numbers(id) = (id.split(/[.-]/).map(&:to_i) + [0]).first(3)

def values_of(name, text)
  text.scan(/(?:\A(?:\xef\xbb\xbf)?|\n)\0*#{name}(?:: ?(.*)|(?=\n))/n).map { |(value)| value || '' }
end

mailbox, start = ARGV[0].b, ARGV[1] || '0-0'
own, last, wrong = start[/[^.]*/], start, nil
$stdin.binmode.read.split(/(?:\A|(?<=\n)|(?<=\r)(?!\n))[\r\n]+/n, -1)[..-2].each do |block|
  text = block.gsub(/\r\n?/n, "\n")
  fence, message, receiver, end_id, late = FENCED.match(text)&.captures
  id, data, type = message || end_id || late, values_of('data', text), values_of('event', text).last || ''
  void = block.size > (late ? 2 : 1) * 2**20 || text.match?(/(?:\A|\n): torn\n\z/n) || (fence && !id)
  void ||= data.empty? && !end_id
  above = id && ((numbers(id) <=> numbers(last)) > 0 || (end_id && id == last))
  is_next = above && fence == own && fence != wrong && id.to_i <= [10**13, own.to_i + 1].max
  copy = message && ((numbers(fence) <=> numbers(start[/[^.]*/])) < 0 || receiver != mailbox)
  wrong = void || !fence || is_next || copy ? nil : id
  next if void || wrong
  break if end_id
  own, last = is_next ? [id, id] : [own, "#{own}.#{numbers(last)[2] + 1}"]
  kept = type.match?(TYPE) ? { type: type } : {}
  puts JSON.generate({ id: last, **kept, data: data.join("\n").force_encoding('UTF-8').scrub })
end
