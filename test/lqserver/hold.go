package lqserver

import (
	"context"
	"sync"
)

// A Hold stops each answer at one place until a test has looked around.
type Hold struct {
	after             int
	reached, released chan struct{} // closed by the first answer, and by Release
	reach, release    sync.Once
}

// NewHold returns a Hold that stops answers when after messages were sent.
func NewHold(after int) *Hold {
	return &Hold{after: after, reached: make(chan struct{}), released: make(chan struct{})}
}

// stop tells the test that an answer has stopped.
func (h *Hold) stop() { h.reach.Do(func() { close(h.reached) }) }

// wait stops an answer until it may go on, or ctx ends.
func (h *Hold) wait(ctx context.Context) {
	h.stop()
	select {
	case <-h.released:
	case <-ctx.Done():
	}
}

// Reached is closed once an answer has stopped: all before it is written.
func (h *Hold) Reached() <-chan struct{} { return h.reached }

// Release lets all answers go on, those to come included.
func (h *Hold) Release() { h.release.Do(func() { close(h.released) }) }
