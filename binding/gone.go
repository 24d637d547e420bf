package binding

import "time"

// withdrawn takes in a valid lifetime of zero. It is judged like any other
// statement, and if it wins, the record goes (R88).
func (t *Table) withdrawn(ref uint32, s *statement, out []Change) []Change {
	if ref == 0 {
		t.bury(s.key, t.hearsay(s, ZeroLifetime), t.at)
		return out
	}
	r := t.records.at(ref)
	why := t.judge(ref, r, s)
	if t.isStrangers(r, s) || !prevails(why) && (why != SameExchange || s.claim.received < r.received) {
		if !t.isClient(r, s) {
			t.conflict(why)
			t.repel(r, s, why)
		}
		return out
	}
	t.counts.Withdrawn++
	t.tell(s, ZeroLifetime, true, r.client)
	t.bury(s.key, tombstone{event: s.clt, reason: ZeroLifetime}, r.valid)
	return t.drop(ref, r, ZeroLifetime, out)
}

// isStrangers reports whether a gleaned statement is about another client than
// the record's. A server that tells one client that it may not have a prefix
// does not take it from the client that has it.
func (t *Table) isStrangers(r *record, s *statement) bool {
	return s.source == FromGlean && !r.adopted() && !t.isClient(r, s)
}

// denied takes in a server's answer that nobody holds the lease. It removes
// what we have from that server, unless a later word than the question
// refreshed it (R42); of what other servers say it proves nothing.
func (t *Table) denied(ref uint32, s *statement, out []Change) []Change {
	if ref == 0 {
		return out
	}
	r := t.records.at(ref)
	if r.adopted() {
		return t.answered(ref, r, s, out)
	}
	if Server(r.server) != s.server || r.received > s.clt {
		t.tell(s, DeniedByServer, false, r.client)
		return out
	}
	return t.remove(ref, r, s, serverBit(s.server), out)
}

// remove drops a record that the servers in deniers say nobody holds.
func (t *Table) remove(ref uint32, r *record, s *statement, deniers uint64, out []Change) []Change {
	t.counts.Denied++
	t.tell(s, DeniedByServer, true, r.client)
	t.bury(s.key, tombstone{event: s.clt, answer: s.claim.received, deniers: deniers, reason: DeniedByServer}, r.valid)
	return t.drop(ref, r, DeniedByServer, out)
}

// unanswered takes in that a server can't tell: the question is over, the
// doubt is not.
func (t *Table) unanswered(ref uint32, s *statement, out []Change) []Change {
	if ref == 0 {
		return out
	}
	r := t.records.at(ref)
	if r.adopted() {
		return t.answered(ref, r, s, out)
	}
	if Server(r.server) == s.server {
		r.unset(asked)
	}
	return out
}

// Clear removes a binding by the operator's word (RFC 8987, O-2). It comes
// back only if its client speaks to a server after this.
func (t *Table) Clear(now time.Time, k Key, out []Change) []Change {
	t.tick(now)
	out = t.resume(out)
	ref := t.findKey(k)
	if ref == 0 {
		return out
	}
	r := t.records.at(ref)
	t.counts.Cleared++
	t.tellOf(r, ClearedByHand)
	t.bury(r.key, tombstone{event: t.at, reason: ClearedByHand}, r.valid)
	return t.fill(t.drop(ref, r, ClearedByHand, out))
}
