package lqclient

import "time"

// The retransmission parameters of LEASEQUERY over UDP (RFC 5007, sections
// 4.1.4 and 4.3.2). MRD is 0: the count alone ends an exchange (R22).
const (
	lqTimeout = time.Second      // IRT
	lqMaxRT   = 10 * time.Second // MRT
	lqMaxRC   = 5                // MRC: transmissions in all, the first one included (R21)
)

// A retransmission gives out the times between the transmissions of one
// exchange (RFC 8415, section 15). The zero value is one that has not begun.
type retransmission struct {
	previous time.Duration
}

// next returns how long to wait for an answer to the transmission that was
// just made. RAND is drawn anew each time (R19, R20).
func (r *retransmission) next() time.Duration {
	if r.previous == 0 {
		r.previous = randomized(lqTimeout)
		return r.previous
	}
	r.previous = r.previous + randomized(r.previous)
	if r.previous > lqMaxRT {
		r.previous = randomized(lqMaxRT)
	}
	return r.previous
}
