package main

import (
	"encoding/json"
	"os"
)

func main() {
	var event struct{ Id, Data string }
	var mail struct{ Sender, Message string }
	json.NewDecoder(os.Stdin).Decode(&event)
	if json.Unmarshal([]byte(event.Data), &mail) != nil || mail.Sender == "" || mail.Sender == "bot" {
		return // another program wrote it, or the bot
	}
	json.NewEncoder(os.Stdout).Encode(map[string]string{
		"sender": "bot", "receiver": mail.Sender, "message": mail.Message, "key": "echo-" + event.Id,
	})
}
