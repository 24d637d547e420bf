package ondemand

import (
	"context"
	"net/netip"
	"time"
)

// maxMuting bounds the unknown addresses that wait to be suppressed in the kernel.
const maxMuting = 1024

// A muting is an Unknown that the kernel is to leave out, for what is known of
// its place.
type muting struct {
	place   netip.Prefix
	unknown Unknown
	ttl     time.Duration
}

// suppress has the kernel leave u out, some time soon. Nothing depends on it: an
// address that is reported again is known to be held by nobody.
func (e *Engine) suppress(place netip.Prefix, u Unknown, ttl time.Duration) {
	if e.options.Detector == nil || u.Interface == 0 {
		return
	}
	select {
	case e.muting <- muting{place, u, ttl}:
	default:
		e.counts.shedSuppressions.Add(1)
	}
}

// mute tells the kernel what to leave out until ctx ends, and then returns nil.
// Each time takes the kernel as long as its processors are busy with packets,
// so that whoever decides about lookups must not wait for it.
func (e *Engine) mute(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-e.muting:
			e.muteOne(m)
		}
	}
}

// muteOne suppresses one address, unless a lease was learnt there meanwhile.
func (e *Engine) muteOne(m muting) {
	known := func() bool { return e.negative.left(m.place, time.Now()) > 0 }
	if !known() {
		return
	}
	if err := e.options.Detector.Suppress(m.unknown, m.ttl); err != nil {
		e.counts.suppressFailures.Add(1)
		e.options.Log.WithError(err).Debug("the kernel does not suppress an address")
	}
	if !known() {
		e.allow(m.place) // Learned came too early to do it
	}
}

// HeldOff returns how long an address is not asked about again, for what a
// lookup has shown; 0: it may be.
func (e *Engine) HeldOff(a netip.Addr) time.Duration {
	place, err := a.WithZone("").Prefix(min(e.options.Length, a.BitLen()))
	if err != nil {
		return 0
	}
	return e.negative.left(place, time.Now())
}

// Learned says that a lease of p is held after all (R95). It costs little
// while nothing is suppressed, and never waits for a lookup.
func (e *Engine) Learned(p netip.Prefix) {
	if e.negative.forget(p) && e.options.Detector != nil {
		e.allow(p)
	}
}

// allow has the kernel report what is inside p again.
func (e *Engine) allow(p netip.Prefix) {
	if err := e.options.Detector.Allow(p); err != nil {
		e.counts.suppressFailures.Add(1)
		e.options.Log.WithError(err).Debug("the kernel goes on suppressing a prefix until its time is over")
	}
}
