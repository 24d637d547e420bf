package lqclient

import (
	"sync"
	"time"
)

// How a server that says nothing is treated: polled, not hammered.
const (
	silence  = 5 * time.Second  // so long without a word since a transmission: it is silent
	pollTime = 10 * time.Second // between two queries to a silent server
)

// A health is whether a server answers over UDP. It is used from any
// goroutine; the zero value is of one that was not asked yet.
type health struct {
	mu       sync.Mutex
	unheard  time.Time // of the first transmission that nothing was heard after; zero: there is none
	nextPoll time.Time
	poll     *udpExchange // the one that goes on although the server is silent; nil: none does
}

// sent notes a transmission.
func (h *health) sent(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.unheard.IsZero() {
		h.unheard = now
	}
}

// heard notes a valid reply.
func (h *health) heard() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unheard, h.poll = time.Time{}, nil
}

// silent reports whether the server does not answer.
func (h *health) silent(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.isSilent(now)
}

func (h *health) isSilent(now time.Time) bool {
	return !h.unheard.IsZero() && now.Sub(h.unheard) > silence
}

// mayAsk reports whether a query may be sent now: a silent server is asked
// once in a while.
func (h *health) mayAsk(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.isSilent(now) {
		return true
	}
	if now.Before(h.nextPoll) {
		return false
	}
	h.nextPoll = now.Add(pollTime)
	return true
}

// mayRepeat reports whether an exchange may send its query again. Of those that
// are under way when a server falls silent only one goes on, as a poll: the
// others would keep everybody else from being asked for as long as they last.
func (h *health) mayRepeat(x *udpExchange, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.isSilent(now) {
		return true
	}
	if h.poll == nil {
		h.poll = x
	}
	return h.poll == x
}

// over notes that an exchange has ended.
func (h *health) over(x *udpExchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.poll == x {
		h.poll = nil
	}
}
