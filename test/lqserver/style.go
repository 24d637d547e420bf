package lqserver

import "time"

// A style says how one CLIENT_DATA is written: what the requestor asked for,
// how this server differs from the RFC, and what is broken on purpose. The
// zero style is the RFC's, without relay data.
type style struct {
	relayData       bool // asked for and allowed (S10, S11)
	lostInfinity    bool // Manner.LostInfinity
	storedPreferred bool // Manner.StoredPreferred
	absoluteTimes   bool // Manner.AbsoluteTimes
	relaysOutside   bool // Manner.RelayDataOutside, over UDP

	lackCLT, lackClientID, lackLease bool
	prefixLength                     *uint8 // instead of the true one; nil: the true one
	hostBits                         bool
	truncated                        bool
	malformedRelays                  bool
	zeroValid                        bool
	preferredAboveValid              bool
}

// lifetimes returns what is left of the lease in seconds (S12). A lease that
// ran out, which only a fault lets through, is reported as Kea does it: with
// the lifetimes that were granted.
func (s *style) lifetimes(b *Binding, now time.Time) (preferred, valid uint32) {
	elapsed := b.elapsed(now)
	switch {
	case b.Released || s.zeroValid:
		return 0, 0
	case !b.active(now) || s.absoluteTimes:
		return seconds(b.Preferred), seconds(b.Valid)
	case s.preferredAboveValid:
		return 0xfffffffa, s.left(b.Valid, elapsed)
	case s.storedPreferred && b.Preferred <= elapsed:
		return seconds(b.Preferred), s.left(b.Valid, elapsed)
	}
	return s.left(b.Preferred, elapsed), s.left(b.Valid, elapsed)
}

// clt is the value of OPTION_CLT_TIME: the seconds since the client's last
// transaction (S12).
func (s *style) clt(b *Binding, now time.Time) uint32 {
	if s.absoluteTimes {
		return uint32(b.Last.Unix())
	}
	return seconds(b.elapsed(now))
}

// left is a lifetime less what has passed; the infinite one stays what it is.
func (s *style) left(granted, elapsed time.Duration) uint32 {
	if granted == Infinite && !s.lostInfinity {
		return 0xffffffff
	}
	return seconds(granted - elapsed)
}
