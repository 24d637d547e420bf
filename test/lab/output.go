//go:build linux

package lab

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// keptLines bounds the memory that a process's output takes.
const keptLines = 20_000

// An output keeps the lines that a process prints.
type output struct {
	mu    sync.Mutex
	lines []string      // the last lines, whole
	first int           // number of lines[0]: how many are no longer kept
	rest  []byte        // the beginning of a line
	next  int           // number of the line after the last match
	more  chan struct{} // closed, and made anew, when a line is added
}

func newOutput() *output { return &output{more: make(chan struct{})} }

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, b...)
	before := len(o.lines)
	for {
		line, rest, found := bytes.Cut(o.rest, []byte{'\n'})
		if !found {
			break
		}
		o.lines = append(o.lines, string(line))
		o.rest = rest
	}
	if len(o.lines) == before {
		return len(b), nil
	}
	if old := len(o.lines) - keptLines; old > 0 {
		o.lines = append([]string(nil), o.lines[old:]...)
		o.first += old
	}
	close(o.more)
	o.more = make(chan struct{})
	return len(b), nil
}

// find looks for a line that matches among those after the last match, from
// the line with the number from. If there is none, it says from which number
// to go on, and closes more when it is worth looking again.
func (o *output) find(want *regexp.Regexp, from int) (match []string, seen int, more <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	from = max(from, o.next, o.first)
	for i, line := range o.lines[from-o.first:] {
		if match := want.FindStringSubmatch(line); match != nil {
			o.next = from + i + 1
			return match, o.next, nil
		}
	}
	return nil, o.first + len(o.lines), o.more
}

// text returns all that is kept.
func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.lines, "\n") + "\n" + string(o.rest)
}
