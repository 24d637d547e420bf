package ondemand

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// A mute is a suppressed prefix: what Suppress wrote to the kernel.
type mute struct {
	prefix netip.Addr // the first address of it
	index  int        // of the interface; 0 for a destination
	source bool
}

func (s mute) compare(o mute) int {
	return cmp.Or(s.prefix.Compare(o.prefix), cmp.Compare(s.index, o.index), cmp.Compare(flag(s.source), flag(o.source)))
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// mutes remember what is suppressed, in order, so that Allow needn't ask
// the kernel. Those that have ended are thrown out when there are many.
type mutes struct {
	list  []lasting
	sweep int // length of the list that brings the next look for ended ones
}

// A lasting mute ends at a time.
type lasting struct {
	mute
	until time.Time
}

// minSweep is a number of mutes that is always kept without a look.
const minSweep = 1024

// find returns where s is, or where it belongs.
func (l *mutes) find(s mute) (int, bool) {
	return slices.BinarySearchFunc(l.list, s, func(have lasting, s mute) int { return have.compare(s) })
}

// put remembers a mute.
func (l *mutes) put(s mute, now, until time.Time) {
	if len(l.list) >= max(l.sweep, minSweep) {
		l.list = slices.DeleteFunc(l.list, func(have lasting) bool { return !have.until.After(now) })
		l.sweep = 2 * len(l.list)
	}
	i, found := l.find(s)
	if found {
		l.list[i].until = until
		return
	}
	l.list = slices.Insert(l.list, i, lasting{s, until})
}

// take forgets the mutes whose prefixes begin in p, and returns those that
// last.
func (l *mutes) take(p netip.Prefix, now time.Time) (out []mute) {
	first, _ := l.find(mute{prefix: p.Addr()})
	last := first
	for ; last < len(l.list) && p.Contains(l.list[last].prefix); last++ {
		if s := l.list[last]; s.until.After(now) {
			out = append(out, s.mute)
		}
	}
	l.list = slices.Delete(l.list, first, last)
	return out
}

// count returns how many last.
func (l *mutes) count(now time.Time) (n uint64) {
	for _, s := range l.list {
		if s.until.After(now) {
			n++
		}
	}
	return n
}
