package lqserver

import (
	"net/netip"
	"sync"
	"time"
)

// A transaction is one query of one requestor over UDP, however often it is
// sent.
type transaction struct {
	from netip.AddrPort
	id   [3]byte
}

// A sighting is a transmission of a transaction.
type sighting struct {
	number       uint64 // the transaction's: 1 is the first since New
	transmission int    // 1 is the transaction's first
}

// A census counts what comes in over UDP. Its methods may be called from any
// goroutine.
type census struct {
	mu      sync.Mutex
	second  []time.Time // when the datagrams of the last second came, the oldest first
	peak    int
	total   uint64                    // transactions
	young   map[transaction]*sighting // the last transmission of each one seen since turned
	old     map[transaction]*sighting // of those seen in the time before
	turned  time.Time
	waiting map[transaction]time.Time // those without an answer; until when their requestor waits
	most    int
}

const (
	// maxWaited is longer than a requestor waits between two transmissions (RFC
	// 5007, section 4.1.4).
	maxWaited = 12 * time.Second
	// maxTransactions bounds young, maxSecond the arrivals in a second, maxWaiting
	// waiting: counts don't go beyond.
	maxTransactions = 1 << 16
	maxSecond       = 1 << 20
	maxWaiting      = 1 << 12
)

func newCensus() *census {
	return &census{young: make(map[transaction]*sighting), waiting: make(map[transaction]time.Time)}
}

// arrived counts a datagram.
func (c *census) arrived(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.second) > 0 && (now.Sub(c.second[0]) >= time.Second || len(c.second) == maxSecond) {
		c.second = c.second[1:]
	}
	c.second = append(c.second, now)
	c.peak = max(c.peak, len(c.second))
}

// saw counts a query.
func (c *census) saw(t transaction, now time.Time) sighting {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.turned) >= maxWaited || len(c.young) >= maxTransactions {
		c.old, c.young, c.turned = c.young, make(map[transaction]*sighting), now
	}
	s := c.young[t]
	if s == nil {
		if s = c.old[t]; s == nil {
			c.total++
			s = &sighting{number: c.total}
		}
		c.young[t] = s
	}
	s.transmission++
	c.wait(t, now, s.transmission)
	return *s
}

// wait notes that t has no answer, and who else has none.
func (c *census) wait(t transaction, now time.Time, transmission int) {
	if transmission == 1 {
		for other, until := range c.waiting {
			if !now.Before(until) {
				delete(c.waiting, other)
			}
		}
	}
	if _, known := c.waiting[t]; known || len(c.waiting) < maxWaiting {
		c.waiting[t] = now.Add(patience(transmission))
	}
	c.most = max(c.most, len(c.waiting))
}

// answered notes that t has its answer.
func (c *census) answered(t transaction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, t)
}

// begun is how many transactions there were so far.
func (c *census) begun() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

func (c *census) report(st *DatagramStats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st.Transactions, st.Peak, st.Outstanding = c.total, c.peak, c.most
}

// patience is the least time that a requestor waits for an answer after its
// n-th transmission: 0.9 s, then 1.9 times as long each time, 9 s in the end
// (RFC 8415, section 15, with the parameters of RFC 5007, section 4.1.4).
func patience(n int) time.Duration {
	const longest = 9 * time.Second
	d := 900 * time.Millisecond
	for ; n > 1 && d < longest; n-- {
		d = d * 19 / 10
	}
	return min(d, longest)
}
