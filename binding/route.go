package binding

// settle takes the record's route to where it should be, by one change at
// most. why is the verdict that calls for it.
func (t *Table) settle(ref uint32, r *record, why Reason, out []Change) []Change {
	refusal := t.forbids(ref, r)
	t.refuse(ref, r, refusal)
	switch {
	case refusal != NoReason:
		out = t.withhold(ref, r, out)
	case r.has(pending):
		t.postpone(ref, r)
	case !r.has(exists):
		if r.has(mayExist) && r.has(stale) { // if it is there, then by another next hop
			out = t.emit(Withdraw, ref, r, why, out)
		}
		out = t.emit(Install, ref, r, why, out)
	case r.has(stale):
		out = t.emit(Move, ref, r, why, out)
	case t.drifted(r):
		out = t.emit(Refresh, ref, r, r.verdict, out)
	}
	t.restate(ref, r)
	return out
}

// forbids says why the record may have no route now. It takes a slot if the
// record needs one.
func (t *Table) forbids(ref uint32, r *record) Reason {
	if r.isAddress() && !t.policy.InstallAddresses {
		return KeptOnly
	}
	if why := t.policy.admits(r.key.key()); why != NoReason {
		return why
	}
	if r.port == 0 {
		return NoNextHop
	}
	if why := t.seat(ref, r); why != NoReason {
		return why
	}
	switch {
	case foreign(r.refusal):
		return r.refusal
	case t.ports[r.port].gone != NoReason:
		return t.ports[r.port].gone
	case byKernel(r.refusal):
		return r.refusal
	case r.doubt == LifetimePassed && t.policy.HoldDoubtful && !r.has(mayExist):
		return HeldBack
	}
	return NoReason
}

// byKernel reports whether a refusal is the kernel's word, which stands until
// something says that it has changed its mind.
func byKernel(why Reason) bool {
	switch why {
	case ForeignRoute, ConnectedOverlap, KernelRefused, InterfaceDown, InterfaceMissing:
		return true
	}
	return false
}

// gone reports whether a refusal is about the record's interface.
func gone(why Reason) bool { return why == InterfaceDown || why == InterfaceMissing }

// withhold takes out the route of a record that may have none. What the
// kernel itself refuses needs no taking out, unless it is a route by an old
// next hop.
func (t *Table) withhold(ref uint32, r *record, out []Change) []Change {
	switch {
	case !r.has(mayExist):
	case !byKernel(r.refusal), gone(r.refusal) && r.has(stale):
		out = t.emit(Withdraw, ref, r, r.refusal, out)
	case gone(r.refusal):
		t.missRoute(ref, r)
	}
	return out
}

// missRoute notes that the kernel has dropped the route, or will have once an
// outstanding change is answered.
func (t *Table) missRoute(ref uint32, r *record) {
	if r.has(pending) {
		r.set(lost)
		t.postpone(ref, r)
		return
	}
	r.unset(exists)
}

// drifted reports whether the kernel's expiry is too far off: by more than
// half the margin (DESIGN.md, rule 9). An adopted route keeps what it has.
func (t *Table) drifted(r *record) bool {
	m := t.policy.FailSafeMargin
	return m > 0 && !r.adopted() && (r.expiry == noSecond || r.expiry.apart(r.valid.second()) > m/2)
}

// emit appends a change, and notes what the kernel will hold.
func (t *Table) emit(op Op, ref uint32, r *record, why Reason, out []Change) []Change {
	r.version++
	r.unset(pending | refreshing | repeated | stale | lost)
	switch {
	case op == Withdraw:
		r.unset(mayExist | exists)
	case op == Refresh:
		r.set(refreshing)
	case op == Install && r.has(mayExist):
		r.set(repeated)
	}
	if op != Withdraw {
		r.set(pending | mayExist)
		r.expiry = r.valid.second()
	}
	t.counts.Changes[op]++
	c := Change{Op: op, Key: r.key.key(), Reason: why, Ref: Ref(ref), Version: r.version}
	if op != Withdraw {
		c.NextHop, c.Interface, c.ValidUntil = r.hop.addr(), r.port, t.time(r.valid)
		t.countRepair(r, why)
	}
	return append(out, c)
}

func (t *Table) countRepair(r *record, why Reason) {
	if why == Repaired {
		t.counts.Repaired++
		t.tellOf(r, Repaired)
	}
}

// postpone puts off what the record needs until the outstanding change has
// been answered.
func (t *Table) postpone(ref uint32, r *record) {
	if r.has(postponed) || !r.has(stale|lost) && !t.drifted(r) {
		return
	}
	r.set(postponed)
	t.postponed = append(t.postponed, ref)
}

// resume begins a call: what was put off and can go on, goes on.
func (t *Table) resume(out []Change) []Change {
	if len(t.postponed) == 0 {
		return out
	}
	kept := t.postponed[:0]
	for _, ref := range t.postponed {
		r := t.records.at(ref)
		switch {
		case !r.has(postponed): // another record by now
		case r.has(pending):
			kept = append(kept, ref)
		default:
			r.unset(postponed)
			out = t.settle(ref, r, t.resumeReason(r), out)
		}
	}
	t.postponed = kept
	return out
}

func (t *Table) resumeReason(r *record) Reason {
	if r.has(mayExist) && !r.has(exists) {
		return Repaired
	}
	return r.verdict
}

// refuse sets why the record has no route; NoReason if it may.
func (t *Table) refuse(ref uint32, r *record, why Reason) {
	if r.refusal == why {
		return
	}
	t.touch(ref, r)
	t.counts.Refused[r.refusal]--
	t.counts.Refused[why]++
	if byKernel(r.refusal) {
		delete(t.obstructed, ref)
		delete(t.details, ref)
	}
	if r.has(waiting) && why != PortLimit {
		t.await(ref, r, false)
	}
	r.refusal = why
	switch why {
	case ForeignRoute, ConnectedOverlap, KernelRefused:
		t.obstructed[ref] = struct{}{}
	}
	if why != NoReason && why != KeptOnly && why != NoNextHop {
		t.tellOf(r, why)
	}
}

// restate derives the state that an operator sees.
func (t *Table) restate(ref uint32, r *record) {
	s := r.derive()
	if s == r.state {
		return
	}
	t.touch(ref, r)
	t.counts.States[r.state]--
	r.state = s
	t.counts.States[s]++
}

func (r *record) derive() State {
	switch {
	case r.refusal == KeptOnly:
		return Kept
	case r.refusal == NoNextHop:
		return Unresolved
	case r.refusal != NoReason:
		return Refused
	case r.has(pending) && !r.has(refreshing):
		return Pending
	case r.doubt != NoReason:
		return Suspect
	}
	return Installed
}
