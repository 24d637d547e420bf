package binding

import "bytes"

// borrow finds a next hop for a delegated prefix whose own statement has none:
// the same client's address on an interface of ours (DESIGN.md 4). The lowest
// address, so that neither order nor renewals change it. Without one the
// place is unknown.
func (t *Table) borrow(ref uint32, r *record) {
	if best := t.lender(r); best != nil {
		t.place(ref, r, best.port, hop(best.key.addr), borrowed)
		return
	}
	t.place(ref, r, 0, hop{}, 0)
}

func (t *Table) lender(r *record) *record {
	var best *record
	if r.isAddress() || r.client == 0 {
		return nil
	}
	t.ofClient.walk(t.clients.slab.at(r.client).addresses, func(ref uint32) bool {
		a := t.records.at(ref)
		if a.port == 0 || a.key.form&formV4 != r.key.form&formV4 {
			return true
		}
		if best == nil || bytes.Compare(a.key.addr[:], best.key.addr[:]) < 0 {
			best = a
		}
		return true
	})
	return best
}

// lends notes that an address of a client came, went or moved: its prefixes
// are looked at before the call ends.
func (t *Table) lends(r *record) {
	if !r.isAddress() || r.client == 0 || r.port == 0 {
		return
	}
	t.clients.holdID(r.client)
	t.lenders = append(t.lenders, r.client)
}

// lend looks again at the prefixes of a client that have no next hop of their
// own.
func (t *Table) lend(id uint32, out []Change) []Change {
	t.ofClient.walk(t.clients.slab.at(id).prefixes, func(ref uint32) bool {
		r := t.records.at(ref)
		if r.port != 0 && !r.has(borrowed) {
			return true
		}
		before, next := r.port, r.hop
		if t.borrow(ref, r); r.port != before || r.hop != next {
			out = t.settle(ref, r, r.verdict, out)
		}
		return true
	})
	return out
}
