package binding

// merge makes one of two reports of the same exchange (R78): what is missing
// is filled in, the lifetimes come from the later message, and the smaller
// CLT, being the tighter bound, stays. The route moves only if the kernel was
// all that said where the client is.
func (t *Table) merge(ref uint32, r *record, s *statement, out []Change) []Change {
	t.counts.Merged++
	known := r.valid
	r.clt = min(r.clt, s.clt)
	if s.claim.received >= r.received {
		t.renew(ref, r, s)
	}
	t.vouch(ref, r, s)
	moved := t.complete(ref, r, s)
	if t.believeAgain(ref, r, s, known) || moved || t.unsettled(r) {
		return t.settle(ref, r, r.verdict, out)
	}
	return out
}

// unsettled reports whether the record's route is not what it should be.
func (t *Table) unsettled(r *record) bool {
	if r.refusal != NoReason {
		return false
	}
	return !r.has(exists|pending) || r.has(stale) || t.drifted(r)
}

// renew takes the lifetimes of the later message. A doubtful one can't make a
// lease longer than the exchange itself did: servers report leases that are
// over with the lifetimes they began with (PEERS.md 2, fact 2).
func (t *Table) renew(ref uint32, r *record, s *statement) {
	if s.Doubtful && s.source != FromLookup && s.valid > r.valid {
		return
	}
	if s.source == FromLookup && r.source == FromGlean && s.valid-r.valid <= t.eps && r.valid-s.valid <= t.eps {
		return // nothing new: the packet that taught it, and when, are worth more
	}
	r.received = s.claim.received
	r.setLifetimes(s.valid, s.preferred)
	t.endsBy(ref, s.valid)
}

// vouch lets the better of the two sources stand for the record: the order of
// R79, so that it does not matter which came first.
func (t *Table) vouch(ref uint32, r *record, s *statement) {
	e := extraOf(s)
	old := t.extras.get(ref)
	if s.identity == r.identity && (!e.sequence.known || old.sequence.meets(e.sequence) && old.sequence.beyond(e.sequence) > 0) {
		e.sequence = old.sequence
	}
	if !e.hasIAID {
		e.iaid, e.hasIAID = old.iaid, old.hasIAID
	}
	if s.source > r.source || s.source == r.source && s.server.order() <= Server(r.server).order() {
		t.setOrigin(r, s.source, s.server, s.identity)
		t.mention(ref, s)
	} else {
		e.sequence, e.exchange = old.sequence, old.exchange
	}
	if e != old {
		t.extras.put(ref, e)
	}
}

// complete takes the statement's word on where the client is, if no better
// one is known, and reports whether it did.
func (t *Table) complete(ref uint32, r *record, s *statement) bool {
	if s.port == 0 || r.port != 0 && !r.has(borrowed|inherited) {
		return false
	}
	t.place(ref, r, s.port, s.hop, 0)
	return true
}

// lose notes a statement that did not prevail. That the same client's lease
// was mentioned, or confirmed to a question, still ends a doubt.
func (t *Table) lose(ref uint32, r *record, s *statement, why Reason, out []Change) []Change {
	if !t.isClient(r, s) {
		t.conflict(why)
		t.repel(r, s, why)
		if r.disputedBy(s, why) {
			t.doubtAlso(ref, r, ClientDisputed)
		}
		return out
	}
	answered := s.source == FromLookup
	present := r.doubt == AbsentFromRun && !s.Doubtful && s.server == Server(r.server)
	if r.doubt == NoReason || !answered && !present {
		return out
	}
	t.setDoubt(ref, r, NoReason)
	return t.settle(ref, r, r.verdict, out)
}

// disputedBy reports whether a statement that lost by its rank alone is what
// the record's own server said of late. By R79 a lookup stands against a bulk
// answer that was under way; but if the lease has changed hands within the
// tolerance, only another question can tell.
// That two servers name different clients is as good a reason, unless the
// question was asked already.
func (r *record) disputedBy(s *statement, why Reason) bool {
	return r.contradicts(s) && !r.has(confirmed) || why == LowerRank && r.source == FromLookup && s.source == FromBulk &&
		Server(r.server) == s.server && s.claim.received > r.received
}

// contradicts reports whether two servers name different clients, neither of
// them in answer to a question.
func (r *record) contradicts(s *statement) bool {
	return Server(r.server) != s.server && r.source != FromLookup && s.source != FromLookup
}

// repel notes what somebody else said of a lease in vain: its client keeps it.
func (t *Table) repel(r *record, s *statement, why Reason) {
	t.counts.Repelled++
	t.repelled = s.key
	t.tell(s, why, false, r.client)
}

// Repelled returns the key of the lease that somebody else than its client
// claimed in vain last; the zero Key if nobody has. Counts says how often that
// was, and Story who it was.
func (t *Table) Repelled() Key {
	if t.counts.Repelled == 0 {
		return Key{}
	}
	return t.repelled.key()
}

// conflict counts a verdict between different clients.
func (t *Table) conflict(why Reason) {
	t.counts.Conflicts++
	switch why {
	case HigherRank, LowerRank, EarlierServer, LaterServer, LowerDUID, HigherDUID:
		t.counts.Ties++
	}
}
