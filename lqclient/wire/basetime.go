package wire

import "time"

// epoch2000 is 2000-01-01 00:00 UTC in Unix time, from which DHCPv6 counts
// base times (RFC 7653, section 6.3.1).
const epoch2000 = 946684800

// BaseTime returns the server's wall clock that a Stamp tells of (C15). It is
// for people: a Clock does the arithmetic.
func BaseTime(seconds uint32) time.Time {
	return time.Unix(epoch2000+int64(seconds), 0).UTC()
}

// A Clock tells when the messages of one connection were made (R72). Base
// times tell how long each waited on its way, compared with the one that
// waited least; no wall clock of ours takes part.
type Clock struct {
	opened time.Time // no message is older
	first  sample
	least  time.Duration // the smallest delay seen, relative to first
}

// A sample is the base time of a message and when it was received.
type sample struct {
	received time.Time
	base     uint32
}

// NewClock returns the clock of a connection. opened is an instant before the
// first query was sent.
func NewClock(opened time.Time) *Clock { return &Clock{opened: opened} }

// Made returns when a message was made: after opened and not after received.
// Without a base time that is when it was received.
func (c *Clock) Made(received time.Time, s *Stamp) time.Time {
	if !s.HasBaseTime {
		return received
	}
	if c.first.received.IsZero() {
		c.first = sample{received, s.BaseTime}
	}
	delay := received.Sub(c.first.received) - time.Duration(int32(s.BaseTime-c.first.base))*time.Second
	c.least = min(c.least, delay)
	made := received.Add(c.least - delay)
	if made.Before(c.opened) {
		return c.opened
	}
	return made
}
