package routes

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// A hold says at which metrics somebody else has a route of one prefix.
type hold uint8

const (
	atOurMetric hold = 1 << iota
	atAnotherMetric
)

// known is what a Kernel knows of routes that bear on what it may install: the
// foreign ones, the connected ones, its own aggregates. The installer's dump
// fills it, the monitor keeps it, and both read it.
type known struct {
	own     uint8  // protocol
	metric  uint32 // of our routes
	allowed []netip.Prefix

	// clear is set while nothing is known that could refuse a prefix, which
	// is usual: Apply then need not look.
	clear atomic.Bool

	mu sync.Mutex
	facts
	overlapping []netip.Prefix // of connected: disjoint and sorted; nil: to be made
	dumping     bool
	since       []notice // what the monitor said since the dump began
}

// facts are what one dump tells.
type facts struct {
	foreign    map[netip.Prefix]hold // exactly this prefix, inside an allowed block
	connected  map[connected]bool    // overlapping an allowed block
	aggregates map[netip.Prefix]bool // our covering routes
}

// A connected prefix is one that the kernel itself routes to a link.
type connected struct {
	prefix netip.Prefix
	index  int32
}

// A notice is a route that came (or changed) or went.
type notice struct {
	gone bool
	r    route
}

func newFacts() facts {
	return facts{make(map[netip.Prefix]hold), make(map[connected]bool), make(map[netip.Prefix]bool)}
}

// inside reports whether p lies in an allowed block.
func (k *known) inside(p netip.Prefix) bool {
	return slices.ContainsFunc(k.allowed, func(block netip.Prefix) bool {
		return block.Bits() <= p.Bits() && block.Contains(p.Addr())
	})
}

// touches reports whether p overlaps an allowed block.
func (k *known) touches(p netip.Prefix) bool {
	return slices.ContainsFunc(k.allowed, p.Overlaps)
}

// enter takes what n says of a route of our table into f.
func (k *known) enter(f facts, n notice) {
	r := n.r
	switch {
	case r.protocol == k.own:
		if r.aggregate() {
			set(f.aggregates, r.prefix, !n.gone)
		}
	case r.connected():
		if k.touches(r.prefix) {
			set(f.connected, connected{r.prefix, r.index}, !n.gone)
		}
	case !k.inside(r.prefix):
	case n.gone:
		f.release(r.prefix, k.holdOf(r))
	default:
		f.foreign[r.prefix] |= k.holdOf(r)
	}
}

// set puts key into a set, or takes it out.
func set[K comparable](m map[K]bool, key K, in bool) {
	if in {
		m[key] = true
	} else {
		delete(m, key)
	}
}

func (k *known) holdOf(r route) hold {
	if r.metric == k.metric {
		return atOurMetric
	}
	return atAnotherMetric
}

// release takes away what somebody else held of p.
func (f facts) release(p netip.Prefix, h hold) {
	if left := f.foreign[p] &^ h; left != 0 {
		f.foreign[p] = left
	} else {
		delete(f.foreign, p)
	}
}

// note takes in what the monitor saw.
func (k *known) note(n notice) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.enter(k.facts, n)
	if k.dumping {
		k.since = append(k.since, n)
	}
	k.settle(n.r.connected())
}

// settle renews what is derived from the facts, with mu held. links tells
// that connected prefixes may have changed.
func (k *known) settle(links bool) {
	if links {
		k.overlapping = nil
	}
	k.clear.Store(len(k.foreign) == 0 && len(k.connected) == 0)
}

// begin starts a dump: facts are gathered beside those in force.
func (k *known) begin() facts {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dumping, k.since = true, nil
	return newFacts()
}

// commit puts the facts of a complete dump in force. What the monitor said
// meanwhile is said again: it is newer, or the dump has it already.
func (k *known) commit(f facts) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range k.since {
		k.enter(f, n)
	}
	k.facts, k.dumping, k.since = f, false, nil
	k.settle(true)
}

// abandon ends a dump that was not complete.
func (k *known) abandon() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dumping, k.since = false, nil
}

// held says what somebody else holds of exactly p.
func (k *known) held(p netip.Prefix) hold {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.foreign[p]
}

// overlapsConnected reports whether p overlaps a prefix that the kernel routes
// to a link.
func (k *known) overlapsConnected(p netip.Prefix) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.overlapping == nil && len(k.connected) > 0 {
		for c := range k.connected {
			k.overlapping = append(k.overlapping, c.prefix)
		}
		k.overlapping = disjoint(k.overlapping)
	}
	return overlaps(k.overlapping, p)
}

// seize notes that somebody else was found to hold p at our metric.
func (k *known) seize(p netip.Prefix) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.foreign[p] |= atOurMetric
	k.clear.Store(false)
}

// forget notes that nobody was found to hold p.
func (k *known) forget(p netip.Prefix) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.foreign, p)
	k.settle(false)
}

// linkGone notes that an interface went down or away: the kernel has removed
// its connected prefixes, of which it need not tell.
func (k *known) linkGone(index int32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.connected {
		if c.index == index {
			delete(k.connected, c)
		}
	}
	k.settle(true)
}

// covered reports whether the allowed block has a covering route already, ours
// or a foreign one that stands in for it (DESIGN.md rule 1).
func (k *known) covered(block netip.Prefix) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.aggregates[block] || k.foreign[block] != 0
}

// strayAggregates returns our covering routes that keep does not want.
func (k *known) strayAggregates(keep func(netip.Prefix) bool) []netip.Prefix {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []netip.Prefix
	for p := range k.aggregates {
		if !keep(p) {
			out = append(out, p)
		}
	}
	return out
}
