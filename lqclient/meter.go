package lqclient

import (
	"sync"
	"time"
)

// A meter is a clock that runs only while we wait for the server. By it the
// time-outs of R48 and R49 are measured: while our own side is slow to take
// what has arrived, no server is to blame. It is read from any goroutine.
type meter struct {
	mu     sync.Mutex
	waited time.Duration // in reads that have returned
	since  time.Time     // when the read began that is waiting now; zero: none is
}

// begin says that a read starts to wait.
func (m *meter) begin() {
	m.mu.Lock()
	m.since = time.Now()
	m.mu.Unlock()
}

// end says that the read has returned.
func (m *meter) end() {
	m.mu.Lock()
	m.waited += time.Since(m.since)
	m.since = time.Time{}
	m.mu.Unlock()
}

// read returns the time waited in all, and how long the present read has been
// waiting: zero if nothing is being read.
func (m *meter) read() (clock, quiet time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.since.IsZero() {
		return m.waited, 0
	}
	quiet = time.Since(m.since)
	return m.waited + quiet, quiet
}

// rest is the clock while nothing is being read, for the goroutine that
// reads: only that one changes it, and so needs no lock to look.
func (m *meter) rest() time.Duration { return m.waited }
