package lqclient

import (
	"math/rand/v2"
	"time"
)

// The pauses between attempts (R46, and 3.6 for a server that is short of
// resources). How often the absence of our own source address is looked at is
// no backoff: that costs no retry.
const (
	firstPause      = time.Second
	maxPause        = 60 * time.Second // BULK_LQ_MAX_RETRY
	terminatedPause = 10 * time.Second
	sourcePause     = time.Second
)

// A backoff gives out growing pauses: 1, 2, 4 ... 60 seconds, each with RAND.
type backoff struct {
	next time.Duration // zero: firstPause
}

// pause returns how long to wait before the next attempt.
func (b *backoff) pause() time.Duration {
	d := max(b.next, firstPause)
	b.next = min(2*d, maxPause)
	return randomized(d)
}

// reset starts over. It is called once a query was answered in full; that a
// connection came about is not enough.
func (b *backoff) reset() { b.next = 0 }

// randomized changes d by RAND: uniform within a tenth of it either way,
// drawn anew each time (R19).
func randomized(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()*2-1)*float64(d)/10)
}
