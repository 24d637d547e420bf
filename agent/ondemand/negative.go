package ondemand

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"
)

// negatives are the places that are not asked about again for a time (R95).
// They are used from any goroutine; the zero value holds none.
type negatives struct {
	many atomic.Int64 // so that whoever learns a million leases looks no further

	mu    sync.Mutex
	until bart.Table[time.Time]
	swept time.Time // when all were last looked through
}

// left returns how long a place is still not to be asked about; 0: it may be.
func (n *negatives) left(place netip.Prefix, now time.Time) time.Duration {
	if n.many.Load() == 0 {
		return 0
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	until, ok := n.until.Get(place)
	if !ok {
		return 0
	}
	if left := until.Sub(now); left > 0 {
		return left
	}
	n.until.Delete(place)
	n.many.Add(-1)
	return 0
}

// keep notes a place. With as many as most already, one of them makes room,
// one that has run out if there is one: false if none had.
func (n *negatives) keep(place netip.Prefix, until time.Time, most int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	roomy := true
	if _, ok := n.until.Get(place); !ok && n.until.Size() >= most {
		roomy = n.makeRoom(time.Now())
	}
	n.until.Insert(place, until)
	n.many.Store(int64(n.until.Size()))
	return roomy
}

// makeRoom takes out all that have run out, at most once a second, or else any
// one.
func (n *negatives) makeRoom(now time.Time) bool {
	if now.Sub(n.swept) > time.Second {
		n.swept = now
		if n.sweep(now) {
			return true
		}
	}
	for p := range n.until.All() {
		n.until.Delete(p)
		break
	}
	return false
}

// sweep takes out all that have run out, and reports whether there were any.
func (n *negatives) sweep(now time.Time) bool {
	var over []netip.Prefix
	for p, until := range n.until.All() {
		if !until.After(now) {
			over = append(over, p)
		}
	}
	for _, p := range over {
		n.until.Delete(p)
	}
	return len(over) > 0
}

// forget takes out all places inside p, and reports whether there were any.
func (n *negatives) forget(p netip.Prefix) bool {
	if n.many.Load() == 0 {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var inside []netip.Prefix
	for q := range n.until.Subnets(p) {
		inside = append(inside, q)
	}
	for q := range n.until.Supernets(p) {
		if q != p {
			inside = append(inside, q)
		}
	}
	for _, q := range inside {
		n.until.Delete(q)
	}
	n.many.Store(int64(n.until.Size()))
	return len(inside) > 0
}

// size returns how many places are kept.
func (n *negatives) size() int { return int(n.many.Load()) }
