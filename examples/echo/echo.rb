require 'json'

event = JSON.parse($stdin.binmode.read)
mail = JSON.parse(event['data']) rescue nil
exit unless mail.is_a?(Hash) && mail['message'] && mail['sender'] != 'bot' # another program wrote it, or the bot
puts({ sender: 'bot', receiver: mail['sender'], message: mail['message'], key: "echo-#{event['id']}" }.to_json)
