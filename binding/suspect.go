package binding

import "time"

// believe decides whether a statement that became the record leaves a doubt.
// An answer to a question leaves none: a healthy lease past half of its life
// looks by arithmetic just like one that is over (PEERS.md 2, fact 2).
func (t *Table) believe(ref uint32, r *record, s *statement) {
	if s.source == FromLookup {
		r.set(confirmed)
		t.setDoubt(ref, r, NoReason)
		return
	}
	t.setDoubt(ref, r, s.doubt())
}

// believeAgain does so for a statement that was merged into a record that was
// known to end at the given instant. It reports whether the doubt changed.
func (t *Table) believeAgain(ref uint32, r *record, s *statement, known instant) bool {
	before := r.doubt
	switch {
	case s.source == FromLookup:
		r.set(confirmed)
		t.setDoubt(ref, r, NoReason)
	case !s.Doubtful:
		t.setDoubt(ref, r, NoReason)
	case r.has(confirmed) || before == NoReason && s.valid-t.eps <= known:
		// It was asked about, or it promises no more than we knew anyway.
	default:
		t.setDoubt(ref, r, s.doubt())
	}
	return r.doubt != before
}

// doubt is why a statement alone is not enough; NoReason if it is.
func (s *statement) doubt() Reason {
	switch {
	case !s.Doubtful:
		return NoReason
	case s.source == FromState:
		return ClockBehind
	}
	return LifetimePassed
}

// setDoubt begins, renews or ends a doubt. To begin or renew it is to want
// the question asked.
func (t *Table) setDoubt(ref uint32, r *record, why Reason) {
	t.touch(ref, r)
	if why == NoReason {
		if r.doubt != NoReason {
			t.counts.Suspects--
		}
		r.doubt = NoReason
		r.unset(asked)
		return
	}
	if r.doubt == NoReason {
		t.counts.Suspects++
	}
	if r.doubt != why {
		t.tellOf(r, why)
	}
	r.doubt = why
	t.ask(ref, r)
}

// doubtAlso gives a record, whose route stays, a reason to be asked about. A
// doubt that it is in already stands, and is asked about again.
func (t *Table) doubtAlso(ref uint32, r *record, why Reason) {
	if r.doubt != NoReason {
		why = r.doubt
	}
	t.setDoubt(ref, r, why)
	t.restate(ref, r)
}

// wonder asks about what a statement that was taken leaves open: where the
// client is, and whose the prefix is if another client's overlaps it. An answer
// to a question leads to no other.
func (t *Table) wonder(ref uint32, r *record, s *statement) {
	if s.source == FromLookup {
		return
	}
	if r.refusal == NoNextHop {
		t.ask(ref, r)
	}
	outer := t.around(r)
	if outer == 0 {
		return
	}
	o := t.records.at(outer)
	if o.client == r.client || o.adopted() {
		return
	}
	t.doubtAlso(ref, r, Overlapping)
	if !o.has(confirmed) {
		t.doubtAlso(outer, o, Overlapping)
	}
}

// AskRecalled is for a server that has no rounds, and so never confirms or
// leaves out what the state file says that it has leased (R131): it is asked
// about each of those leases. They are in no doubt: one of which it can't tell
// stays as it is.
func (t *Table) AskRecalled(now time.Time, s Server) {
	t.tick(now)
	for ref, r := range t.refs() {
		if r.source == FromState && Server(r.server) == s {
			t.ask(ref, r)
		}
	}
}

// around finds the longest delegated prefix that r's lies in; 0: there is none.
func (t *Table) around(r *record) uint32 {
	if r.isAddress() {
		return 0
	}
	k := r.key
	for k.bits--; int(k.bits) >= max(t.policy.MinLength, 1); k.bits-- {
		if t.lengths[lengthOf(k)] == 0 {
			continue
		}
		if ref := t.find(pack(Key{Prefix: k.prefix().Masked()})); ref != 0 {
			return ref
		}
	}
	return 0
}

// ask wants the question asked.
func (t *Table) ask(ref uint32, r *record) {
	r.set(asked)
	t.counts.Doubts++
	t.blocks.asks[t.blocks.of(ref)] |= t.toAsk(ref, r)
}

// toAsk are the servers, as bits, that are to be asked about a suspect.
func (t *Table) toAsk(ref uint32, r *record) uint64 {
	switch {
	case !r.has(asked):
		return 0
	case r.adopted():
		return t.claims[ref].ask
	}
	return serverBit(Server(r.server)) &^ 1
}

// Suspects appends to out the keys of at most max bindings about which s is to
// be asked now. Each is handed out once, until it is doubted anew.
func (t *Table) Suspects(s Server, max int, out []Key) []Key {
	if s == 0 || s > MaxServers {
		return out
	}
	next := &t.servers[s].next
	for range t.blocks.asks {
		if int(*next) >= len(t.blocks.asks) {
			*next = 0
		}
		if t.blocks.asks[*next]&serverBit(s) != 0 {
			if out, max = t.suspectsIn(int(*next), s, max, out); max == 0 {
				return out
			}
			t.blocks.asks[*next] &^= serverBit(s)
		}
		*next++
	}
	return out
}

// suspectsIn does so for one block, and returns how many more are wanted.
func (t *Table) suspectsIn(i int, s Server, max int, out []Key) ([]Key, int) {
	t.inBlock(i, func(ref uint32, r *record) {
		if max > 0 && t.toAsk(ref, r)&serverBit(s) != 0 {
			t.handOut(ref, r, s)
			out = append(out, r.key.key())
			max--
		}
	})
	return out, max
}

// handOut notes that s is being asked.
func (t *Table) handOut(ref uint32, r *record, s Server) {
	if !r.adopted() {
		r.unset(asked)
		return
	}
	c := t.claims[ref]
	c.ask &^= serverBit(s)
	t.claims[ref] = c
	if c.ask == 0 {
		r.unset(asked)
	}
}
