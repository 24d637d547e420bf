package binding

import "time"

// unclaimed is what the servers answered about an adopted route, as bits.
type unclaimed struct {
	ask      uint64 // to be asked
	answered uint64
	denied   uint64
}

// Kernel takes in a part of a dump of our routes. In the dump at start, until
// KernelDone, a route that nothing is known about becomes a binding, adopted
// until a server claims or denies it (R91). In a later one, an audit, the
// table knows better: what it does not know is taken out, and what differs is
// put right.
func (t *Table) Kernel(now time.Time, routes []Route, out []Change) []Change {
	t.tick(now)
	out = t.resume(out)
	for i := range routes {
		if ref := t.findRoute(routes[i].Key); ref != 0 {
			out = t.audit(ref, &routes[i], out)
		} else {
			out = t.unknown(routes[i], out)
		}
	}
	return t.fill(out)
}

// findRoute finds the record of a route, which can't tell its kind.
func (t *Table) findRoute(k Key) uint32 {
	if ref := t.findKey(k); ref != 0 || !k.Prefix.IsSingleIP() {
		return ref
	}
	k.Kind = Address - k.Kind
	return t.findKey(k)
}

// unknown takes in a route of ours without a record.
func (t *Table) unknown(o Route, out []Change) []Change {
	if o.Key.Prefix.IsSingleIP() && t.policy.InstallAddresses {
		o.Key.Kind = Address
	}
	why := t.policy.admits(o.Key)
	grave, buried := t.tombstones.byKey[pack(o.Key)]
	switch {
	case why != NoReason:
	case buried && grave.until > t.at:
		why = grave.reason
	case t.started:
		why = Repaired
	case t.full():
		return out // its own expiry will end it
	default:
		t.adopt(&o)
		return out
	}
	t.counts.Changes[Withdraw]++
	return append(out, Change{Op: Withdraw, Key: o.Key, Reason: why})
}

// adopt makes a record of a route.
func (t *Table) adopt(o *Route) {
	k := pack(o.Key)
	ref, r := t.create(k, t.hash(k))
	r.clt, r.received, r.verdict = never, t.at, Adopted
	end := t.adoptedUntil(o)
	r.setLifetimes(end, end)
	t.endsBy(ref, end)
	r.expiry = t.routeEnd(o)
	t.place(ref, r, o.Interface, packHop(o.NextHop), inherited)
	r.set(mayExist | exists | seen)
	t.seatAnyway(ref, r)
	t.restate(ref, r)
}

// adoptedUntil is how long an unclaimed route stays: as long as its lease did
// when the kernel's expiry was written. If that has passed while nobody
// watched, the rest of the margin is the servers' time to claim the lease.
func (t *Table) adoptedUntil(o *Route) instant {
	switch {
	case o.Expires.IsZero() && t.policy.AdoptHold == 0:
		return forever
	case o.Expires.IsZero():
		return t.at + instant(t.policy.AdoptHold)
	}
	end := t.expiry(o.Expires)
	if lease := end - instant(t.policy.FailSafeMargin); lease > t.at {
		return lease
	}
	return end
}

// routeEnd is the end of a lease by the expiry that its route has.
func (t *Table) routeEnd(o *Route) second {
	if o.Expires.IsZero() {
		return lastSecond
	}
	return (t.expiry(o.Expires) - instant(t.policy.FailSafeMargin)).second()
}

// audit compares a record with its route. What a change is under way for is
// left alone: the dump may be older than its answer.
func (t *Table) audit(ref uint32, o *Route, out []Change) []Change {
	r := t.records.at(ref)
	r.set(seen)
	if r.has(pending) {
		return out
	}
	if !t.started && o.Interface != 0 && (r.adopted() || r.refusal == NoNextHop) {
		t.place(ref, r, o.Interface, packHop(o.NextHop), inherited)
	}
	if byKernel(r.refusal) {
		t.refuse(ref, r, NoReason) // there is a route, and it is ours
	}
	r.set(mayExist | exists)
	r.unset(stale)
	if o.Interface != r.port || packHop(o.NextHop) != r.hop {
		r.set(stale)
	}
	r.expiry = t.routeEnd(o)
	if !t.started {
		return t.settle(ref, r, r.verdict, out)
	}
	return t.settle(ref, r, Repaired, out)
}

// KernelDone ends a dump: what we believed to be installed and was not in it
// is installed again, and what the kernel refused is tried again.
func (t *Table) KernelDone(now time.Time, out []Change) []Change {
	t.tick(now)
	out = t.resume(out)
	for ref, r := range t.refs() {
		missing := r.has(exists) && !r.has(pending) && !r.has(seen)
		r.unset(seen)
		if missing {
			r.unset(exists)
		}
		if r.refusal == KernelRefused {
			t.refuse(ref, r, NoReason)
		} else if !missing {
			continue
		}
		out = t.settle(ref, r, t.resumeReason(r), out)
	}
	t.started = true
	return t.fill(out)
}

// DoubtAdopted is for when every server has completed a round: the adopted
// routes that none claimed are suspect, and every server is asked about each.
// What all of them could not tell about is asked about again.
func (t *Table) DoubtAdopted(now time.Time) {
	t.tick(now)
	for ref, r := range t.refs() {
		c, doubted := t.claims[ref]
		if !r.adopted() || doubted && t.known&^c.answered != 0 {
			continue
		}
		t.claims[ref] = unclaimed{ask: t.known}
		t.setDoubt(ref, r, Adopted)
		t.restate(ref, r)
	}
}

// answered takes in what a server says of an adopted route that it does not
// claim. The route goes once every server has answered and one of them denied
// the lease: that a server can't tell proves nothing.
func (t *Table) answered(ref uint32, r *record, s *statement, out []Change) []Change {
	c, doubted := t.claims[ref]
	if !doubted {
		return out
	}
	c.answered |= serverBit(s.server)
	c.ask &^= c.answered
	if s.Statement == Denied {
		c.denied |= serverBit(s.server)
	}
	t.claims[ref] = c
	if c.denied == 0 || t.known&^c.answered != 0 {
		return out
	}
	return t.remove(ref, r, s, c.denied, out)
}
