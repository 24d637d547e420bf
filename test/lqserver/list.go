package lqserver

import (
	"net/netip"
	"slices"
	"sync"
)

// A List is a Store of bindings that were put in one by one. It may change
// while a server answers from it: a query sees the list as it was when the
// query came.
type List struct {
	segments, pools []netip.Prefix

	mu       sync.Mutex
	bindings []Binding // never changed in place: cursors hold it
}

// NewList returns an empty list for a server with the given links and pools,
// which are kept and must be canonical.
func NewList(segments, pools []netip.Prefix) *List {
	return &List{segments: segments, pools: pools}
}

// Segments implements Store.
func (l *List) Segments() []netip.Prefix { return l.segments }

// Pools implements Store.
func (l *List) Pools() []netip.Prefix { return l.pools }

// Set puts a binding in, in the place of that of the same prefix if there is
// one. It may put several in at once.
func (l *List) Set(bindings ...Binding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := slices.Clone(l.bindings)
	for _, b := range bindings {
		if i := slices.IndexFunc(next, b.sameLease); i >= 0 {
			next[i] = b
		} else {
			next = append(next, b)
		}
	}
	l.bindings = next
}

// Add puts bindings in although there may be others of the same prefix: a
// database that contradicts itself.
func (l *List) Add(bindings ...Binding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bindings = slices.Concat(l.bindings, bindings)
}

// Remove takes out what is bound to exactly prefix, and reports whether
// anything was.
func (l *List) Remove(prefix netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := slices.DeleteFunc(slices.Clone(l.bindings), func(b Binding) bool { return b.Prefix == prefix })
	removed := len(next) < len(l.bindings)
	l.bindings = next
	return removed
}

// All returns a copy of the list, in the order of putting in.
func (l *List) All() []Binding {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.bindings)
}

func (b *Binding) sameLease(other Binding) bool {
	return b.Prefix == other.Prefix && b.Delegated == other.Delegated
}

// Find implements Store: it returns everything that matches, client by client
// in the order of each one's first lease.
func (l *List) Find(m Match) Cursor {
	type place struct {
		client  string
		segment netip.Prefix
	}
	order := make(map[place]int)
	groups := [][]Binding{}
	for _, b := range l.All() {
		if !m.holds(&b, l.segments) {
			continue
		}
		at := place{string(b.Client), b.segment(l.segments)}
		i, known := order[at]
		if !known {
			i = len(groups)
			order[at] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], b)
	}
	return &listCursor{rest: slices.Concat(groups...)}
}

// A listCursor gives out copies whose slices are the list's: nobody writes
// into those.
type listCursor struct{ rest []Binding }

// Next implements Cursor.
func (c *listCursor) Next(b *Binding) bool {
	if len(c.rest) == 0 {
		return false
	}
	*b, c.rest = c.rest[0], c.rest[1:]
	return true
}
