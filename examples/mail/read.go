// Prints the mail in a mailbox: go run read.go henry 0-0 < mailboxes/henry.txt (0-0: the id that the file begins after)
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

const own, n = `(?:0|[1-9]\d{0,14})-(?:0|[1-9]\d{0,9})`, `(?:\.[1-9]\d{0,14})?`
const typed = `(?:event: [\w.-]{1,64}\n)?`
const ours = `id: (` + own + `)\n` + typed + `data: \{"sender":"[^"\\\n]*","receiver":"([^"\\\n]*)".*\n`
const late = `: late ` + own + n + ` \d{1,15}-\d{1,15}\nid: (` + own + `)\n(?s:.*)\n: whole\n`

var line = regexp.MustCompile(`([^\r\n]*)(\r\n|\r|\n|$)`)
var fence = regexp.MustCompile(`^: after (` + own + `)\n`)
var form = regexp.MustCompile(`^.*\n(?:` + ours + `|: end (` + own + n + `)(?: \d{1,15})?\n|` + late + `)$`)
var openEnd = regexp.MustCompile(`[^\\](?:\\\\)*"\}\n$`)
var torn = regexp.MustCompile(`(?:^|\n): torn\n$`)
var kept = regexp.MustCompile(`^[\w.-]{1,64}$`)
var reserved = regexp.MustCompile(`^(message|open|error|gap|presence|typing|sent|delivered|read|bye|ready|ping)$`)

type event struct {
	ID   string `json:"id"`
	Type string `json:"type,omitempty"`
	Data string `json:"data"`
}

// numbers has a value that can be compared with ==.
type numbers [3]int64

func numbersOf(id string) (v numbers) {
	fmt.Sscanf(id, "%d-%d.%d", &v[0], &v[1], &v[2])
	return
}

func (v numbers) compare(other numbers) int64 {
	for i := range v {
		if v[i] != other[i] {
			return v[i] - other[i]
		}
	}
	return 0
}

func fieldsOf(block string) (data []string, kind string) {
	for i, text := range strings.Split(block, "\n") {
		if i == 0 {
			text = strings.TrimPrefix(text, "\xef\xbb\xbf")
		}
		name, value, _ := strings.Cut(strings.TrimLeft(text, "\x00"), ":")
		value = strings.TrimPrefix(value, " ")
		if name == "data" {
			data = append(data, value)
		} else if name == "event" {
			kind = value
		}
	}
	return
}

func main() {
	mailbox, start := os.Args[1], append(os.Args, "0-0")[2]
	first, _, _ := strings.Cut(start, ".")
	ownID, last, wrong := first, start, ""
	bytes, _ := io.ReadAll(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	block, size := "", 0
	for _, match := range line.FindAllSubmatch(bytes, -1) {
		if len(match[1]) > 0 {
			block, size = block+string(match[1])+"\n", size+len(match[0])
			continue
		}
		text, length, before := block, size, wrong
		if block == "" || len(match[0]) == 0 {
			continue
		}
		block, size, wrong = "", 0, ""
		after := append(fence.FindStringSubmatch(text), "", "")[1]
		parts := append(form.FindStringSubmatch(text), make([]string, 5)...)
		message, receiver, end, lateID := parts[1], parts[2], parts[3], parts[4]
		if after == "" || message != "" && !openEnd.MatchString(text) {
			message, receiver, end, lateID = "", "", "", ""
		}
		id := message + end + lateID
		data, kind := fieldsOf(text)
		isLong := length > 1<<21 || length > 1<<20 && lateID == ""
		if isLong || torn.MatchString(text) || after != "" && id == "" || end == "" && len(data) == 0 {
			continue
		}
		order := numbersOf(id).compare(numbersOf(last))
		isNext := after != "" && after == ownID && after != before && (order > 0 || order == 0 && end != "")
		if ms := numbersOf(id)[0]; ms > 1e13 && ms > numbersOf(ownID)[0]+1 {
			isNext = false
		}
		isCopy := message != "" && (numbersOf(after).compare(numbersOf(first)) < 0 || receiver != mailbox)
		if isNext && end != "" {
			return
		}
		if after != "" && !isNext && !isCopy {
			wrong = id
			continue
		}
		last = fmt.Sprintf("%s.%d", ownID, numbersOf(last)[2]+1)
		if isNext {
			ownID, last = id, id
		}
		if !kept.MatchString(kind) || reserved.MatchString(kind) {
			kind = ""
		}
		output.Encode(event{last, kind, strings.Join(data, "\n")})
	}
}
