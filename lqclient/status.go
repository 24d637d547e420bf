package lqclient

import (
	"sync"
	"sync/atomic"
)

// A board shows a requestor's state to any goroutine.
type board struct {
	notes    *notes
	bindings atomic.Uint64 // observations since the start of the last round about all

	mu    sync.Mutex // of those who change what is shown
	shown atomic.Pointer[Status]
}

func newBoard(n *notes) *board {
	b := &board{notes: n}
	b.shown.Store(&Status{State: Idle})
	return b
}

// change shows another status.
func (b *board) change(f func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := *b.shown.Load()
	f(&s)
	b.shown.Store(&s)
}

// status returns what is so now.
func (b *board) status() Status {
	s := *b.shown.Load()
	s.Progress = b.notes.lastHeard()
	s.Bindings = b.bindings.Load()
	s.Counters = b.notes.counters.snapshot()
	return s
}
