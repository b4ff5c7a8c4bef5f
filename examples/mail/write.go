// Appends a message to a mailbox: go run write.go mailboxes/henry.txt 'hello'
// Without a text, it appends each line of its input, and prints the line once it is in the file.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"strings"
)

func write(file, text string) {
	text = strings.NewReplacer("\r\n", "\ndata: ", "\r", "\ndata: ", "\n", "\ndata: ").Replace(text)
	event := "\n\ndata: " + text + "\n\n"
	if len(event)-3 > 1024*1024 {
		log.Fatal("A message may be 1 MiB long.")
	}
	mailbox, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0666)
	if err == nil {
		_, err = mailbox.WriteString(event)
		mailbox.Close()
	}
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	if len(os.Args) > 2 {
		write(os.Args[1], os.Args[2])
		return
	}
	input := bufio.NewScanner(os.Stdin)
	for input.Buffer(nil, 2*1024*1024); input.Scan(); fmt.Println(input.Text()) {
		write(os.Args[1], input.Text())
	}
	if input.Err() != nil {
		log.Fatal(input.Err())
	}
}
