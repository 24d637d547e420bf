package binding

// held takes in the statement that a client holds a lease.
func (t *Table) held(ref uint32, s *statement, out []Change) []Change {
	switch {
	case ref == 0:
		return t.hear(s, out)
	case s.valid <= t.at:
		return t.heldUntilPast(ref, s, out)
	}
	r := t.records.at(ref)
	switch why := t.judge(ref, r, s); {
	case prevails(why):
		return t.win(ref, r, s, why, out)
	case why == SameExchange:
		return t.merge(ref, r, s, out)
	default:
		return t.lose(ref, r, s, why, out)
	}
}

// hear takes in the first word about a lease (R70).
func (t *Table) hear(s *statement, out []Change) []Change {
	if s.valid <= t.at {
		t.counts.ExpiredOnArrival++
		return out
	}
	if t.tombstones.hold(s, t.at, t.eps, t.roundBegan(s.server)) {
		t.counts.TombstoneHolds++
		t.tell(s, TombstoneHolds, false, 0)
		return out
	}
	if t.full() {
		t.tell(s, TableFull, false, 0)
		return out
	}
	ref, r := t.create(s.key, s.hash)
	return t.take(ref, r, s, FirstHeard, out)
}

// heldUntilPast takes in a lease that was over when its word reached us: it
// ends the record over which it prevails.
func (t *Table) heldUntilPast(ref uint32, s *statement, out []Change) []Change {
	t.counts.ExpiredOnArrival++
	r := t.records.at(ref)
	if r.adopted() && s.source == FromState {
		return out // the servers have the margin's rest to claim the route
	}
	why := t.judge(ref, r, s)
	if !prevails(why) && (why != SameExchange || s.claim.received < r.received) {
		return out
	}
	t.counts.Expired++
	t.tell(s, Expired, true, r.client)
	return t.drop(ref, r, Expired, out)
}

// judge compares a statement with the record. Any live word outranks a route
// that was only found in the kernel.
func (t *Table) judge(ref uint32, r *record, s *statement) Reason {
	if r.adopted() {
		return FirstHeard
	}
	e := t.claimOf(ref, r)
	why := decide(&s.claim, &e, t.eps)
	if why != NewerSequence && why != OlderSequence {
		return why
	}
	if t.contradicted(&s.claim, why == OlderSequence, s.clt-e.clt > t.eps) {
		return decide(&s.claim, &e, t.eps)
	}
	return why
}

func (t *Table) claimOf(ref uint32, r *record) claim {
	return claim{
		clt: r.clt, received: r.received, valid: r.valid,
		source: r.source, server: Server(r.server),
		identity: r.identity, serverDUID: t.identities.duid(r.identity),
		sequence: t.extras.get(ref).sequence,
		client:   t.clients.duid(r.client), port: r.port, hop: r.hop,
	}
}

// win lets the statement take the place of what the record held.
func (t *Table) win(ref uint32, r *record, s *statement, why Reason, out []Change) []Change {
	if r.refusal == KernelRefused {
		t.refuse(ref, r, NoReason) // a renewal is reason enough to try again
	}
	disputed := false
	if !r.adopted() && !t.isClient(r, s) {
		t.conflict(why)
		t.tell(s, why, true, r.client)
		disputed = r.contradicts(s)
	}
	out = t.take(ref, r, s, why, out)
	if disputed {
		t.doubtAlso(ref, r, ClientDisputed)
	}
	return out
}

// take makes the record what the statement says.
func (t *Table) take(ref uint32, r *record, s *statement, why Reason, out []Change) []Change {
	same := r.adopted() || t.isClient(r, s)
	delete(t.claims, ref)
	t.giveTo(ref, r, s)
	t.setOrigin(r, s.source, s.server, s.identity)
	t.extras.put(ref, extraOf(s))
	r.clt, r.received, r.verdict = s.clt, s.claim.received, why
	r.unset(confirmed | checked)
	r.setLifetimes(s.valid, s.preferred)
	t.endsBy(ref, s.valid)
	t.mention(ref, s)
	t.believe(ref, r, s)
	t.relocate(ref, r, s, same)
	out = t.settle(ref, r, why, out)
	t.wonder(ref, r, s)
	return out
}

// giveTo makes the statement's client the record's.
func (t *Table) giveTo(ref uint32, r *record, s *statement) {
	if t.isClient(r, s) {
		return
	}
	id := t.clients.hold(s.Client)
	t.assign(ref, r, id)
	t.clients.release(id)
}

func (t *Table) isClient(r *record, s *statement) bool {
	return r.client != 0 && string(t.clients.duid(r.client)) == string(s.Client)
}

func extraOf(s *statement) extra {
	return extra{sequence: s.sequence, iaid: s.IAID, hasIAID: s.HasIAID, exchange: s.Exchange}
}

// relocate moves the record to where the statement says that the client is.
// One that does not say leaves it there, if it is the same client or nobody
// else claimed the route (R90).
func (t *Table) relocate(ref uint32, r *record, s *statement, same bool) {
	switch {
	case s.port != 0:
		t.place(ref, r, s.port, s.hop, 0)
	case !same || r.port == 0:
		t.borrow(ref, r)
	}
}
