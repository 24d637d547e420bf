package binding

import (
	"hash/maphash"
	"time"
)

// A tombstone keeps a lease that was given back, withdrawn, denied or cleared
// from being revived by a statement about an earlier exchange, such as a bulk
// answer that is already on its way (R89).
type tombstone struct {
	event  instant // when it went
	until  instant // no statement from before the event can be valid after this
	reason Reason

	client uint64    // mark of the only client whose lease is dead; 0: anybody's
	port   Interface // with client: where it is; 0: anywhere

	// A denial speaks for the servers that made it, as bits; 0: for all.
	deniers uint64
	answer  instant // when the last of them answered
}

// Bounds of the tombstones.
const (
	mostTombstones  = 1 << 16 // then the oldest goes
	shortestGuard   = instant(time.Hour)
	tombstonesSweep = instant(time.Minute)
)

// tombstones are all of them, by key.
type tombstones struct {
	byKey map[packedKey]tombstone
	order []packedKey // the same, oldest first
	swept instant
	seed  maphash.Seed
}

func (g *tombstones) init() {
	g.byKey, g.seed = make(map[packedKey]tombstone), maphash.MakeSeed()
}

// renumber takes in that the servers have other numbers. Of those that denied a
// lease and are gone nobody's statement is left to be held against.
func (g *tombstones) renumber(to func(Server) Server) {
	for k, d := range g.byKey {
		if d.deniers != 0 {
			d.deniers = max(renumbered(d.deniers, to), serverBit(0))
			g.byKey[k] = d
		}
	}
}

// mark stands for a DUID; it is not 0.
func (g *tombstones) mark(duid []byte) uint64 { return maphash.Bytes(g.seed, duid) | 1 }

// isFor reports whether a tombstone is about the statement's client.
func (g *tombstones) isFor(d *tombstone, s *statement) bool {
	return d.client == 0 || d.client == g.mark(s.Client) && (d.port == 0 || s.port == 0 || d.port == s.port)
}

// bury leaves a tombstone for a lease that was to be valid until the given
// instant.
func (t *Table) bury(k packedKey, d tombstone, valid instant) {
	g := &t.tombstones
	d.until = max(valid, t.at+shortestGuard)
	old, ok := g.byKey[k]
	switch {
	case ok && old.client == 0 && d.client != 0:
		return // what is known holds for everybody
	case ok && old.deniers == 0 && (d.deniers != 0 || old.event > d.event):
		old.until = max(old.until, d.until)
		g.byKey[k] = old
		return
	case !ok:
		g.makeRoom(t.at)
		g.order = append(g.order, k)
	}
	g.byKey[k] = d
}

// makeRoom keeps the number of tombstones within its bound.
func (g *tombstones) makeRoom(now instant) {
	if len(g.byKey) < mostTombstones {
		return
	}
	g.sweepOften(now)
	if len(g.byKey) == mostTombstones {
		delete(g.byKey, g.order[0])
		g.order = g.order[1:]
	}
}

// sweep forgets what no longer guards anything.
func (g *tombstones) sweep(now instant) {
	g.swept = now
	kept := g.order[:0]
	for _, k := range g.order {
		if g.byKey[k].until <= now {
			delete(g.byKey, k)
		} else {
			kept = append(kept, k)
		}
	}
	g.order = kept
}

// sweepOften sweeps if the last time is long enough ago.
func (g *tombstones) sweepOften(now instant) {
	if now-g.swept >= tombstonesSweep {
		g.sweep(now)
	}
}

// hold reports whether a tombstone keeps the statement's lease dead. round is
// when the last round of the statement's server began.
func (g *tombstones) hold(s *statement, now, eps, round instant) bool {
	if len(g.byKey) == 0 {
		return false
	}
	d, ok := g.byKey[s.key]
	if !ok || d.until <= now || !g.isFor(&d, s) {
		return false
	}
	if s.source == FromGlean {
		eps = 0 // as exact as the event (R74), and R89 speaks of leasequery
	}
	if s.clt-d.event > eps {
		return false
	}
	return d.deniers == 0 || d.deniers&serverBit(s.server) != 0 && !d.outdated(s, eps, round)
}

// outdated reports whether the server that denied a lease has looked again
// since: a round that began after the denial, or an answer after the denial's.
func (d *tombstone) outdated(s *statement, eps, round instant) bool {
	switch s.source {
	case FromBulk:
		return round > d.answer && !s.Doubtful
	case FromLookup:
		return s.claim.received-d.answer > eps
	}
	return false
}
