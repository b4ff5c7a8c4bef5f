// Prints the messages of a mailbox, each once: go run listen.go 'http://localhost:2012/status?receiver=henry&since=waiting'
package main

import (
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/donovanhide/eventsource"
)

func main() {
	messages := json.NewEncoder(os.Stdout)
	messages.SetEscapeHTML(false)
	for {
		stream, err := eventsource.Subscribe(os.Args[1], "")
		if err != nil { // the library comes back by itself only once it was connected
			log.Println(err)
			time.Sleep(2 * time.Second)
			continue
		}
		go func() {
			for err := range stream.Errors { // it waits until somebody takes them
				log.Println(err)
			}
		}()
		for event := range stream.Events {
			// It also gives a block that has only `retry:`, as an event without an id.
			if event.Event() == "" && event.Id() != "" {
				messages.Encode(map[string]string{"id": event.Id(), "type": "message", "data": event.Data()})
			}
		}
	}
}
