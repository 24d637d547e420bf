package binding

// released takes in a client's Release that was seen on the wire (RFC 8987,
// G-9). Anybody may send one, so it acts on sight only if what it says matches
// the binding; any other makes the binding suspect (DESIGN.md, rule 6).
func (t *Table) released(ref uint32, s *statement, out []Change) []Change {
	if ref == 0 {
		t.tell(s, ReleasedByOwner, true, 0)
		t.bury(s.key, t.hearsay(s, ReleasedByOwner), t.at)
		return out
	}
	r := t.records.at(ref)
	switch {
	case r.clt-s.clt > t.eps: // of an earlier exchange
		t.tell(s, ReleasedByOwner, false, r.client)
	case t.mayRelease(ref, r, s):
		t.counts.Released++
		t.tell(s, ReleasedByOwner, true, r.client)
		t.bury(s.key, tombstone{event: s.clt, reason: ReleasedByOwner}, r.valid)
		return t.drop(ref, r, ReleasedByOwner, out)
	default:
		t.counts.ReleasesDisputed++
		t.repel(r, s, ReleaseDisputed)
		if !r.adopted() { // nobody has claimed that one yet: every server will be asked
			t.doubtAlso(ref, r, ReleaseDisputed)
		}
	}
	return out
}

// mayRelease reports whether a Release comes from the client that holds the
// lease: its DUID and IAID, at its place, to its server. The lease itself is
// the key. A next hop that is the client's global address tells nothing of its
// link-local. By another IAID the server finds no binding, and keeps it.
func (t *Table) mayRelease(ref uint32, r *record, s *statement) bool {
	if e := t.extras.get(ref); e.hasIAID && s.HasIAID && e.iaid != s.IAID {
		return false
	}
	return t.isClient(r, s) &&
		r.port != 0 && r.port == s.port && (r.hop == s.hop || r.has(borrowed)) &&
		(r.identity == 0 || len(s.serverDUID) == 0 || t.identities.number(s.ServerDUID) == r.identity)
}

// hearsay is the tombstone for a lease of which nothing is known. One that was
// gleaned speaks for its own client at its own place alone: else a subscriber
// could keep a neighbour's lease from being learnt.
func (t *Table) hearsay(s *statement, why Reason) tombstone {
	d := tombstone{event: s.clt, reason: why}
	if s.source == FromGlean {
		d.client, d.port = t.tombstones.mark(s.Client), s.port
	}
	return d
}
