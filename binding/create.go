package binding

// create makes the record of a lease that nothing was known about. It is in
// the index, and belongs to no client and no port.
func (t *Table) create(k packedKey, hash uint64) (uint32, *record) {
	t.touchNew(k)
	ref := t.records.alloc()
	r := t.records.at(ref)
	*r = record{key: k, version: r.version, state: Pending}
	t.extras.put(ref, extra{})
	t.index.insert(hash, ref)
	t.lengths[lengthOf(k)]++
	t.counts.States[r.state]++
	t.counts.Sources[r.source]++
	t.counts.Bindings++
	return ref, r
}

// mostBindings bounds the table whatever the policy says. With the clients
// that only the history names, their number fits an index.
const mostBindings = numberMask - 2*longestStory

// full reports, and counts, that the table's bound is met.
func (t *Table) full() bool {
	m := t.policy.MaxBindings
	if m <= 0 || m > mostBindings {
		m = mostBindings
	}
	if t.counts.Bindings < m {
		return false
	}
	t.counts.TableFull++
	return true
}

// drop removes a record, and its route if the kernel may hold one.
func (t *Table) drop(ref uint32, r *record, why Reason, out []Change) []Change {
	t.touch(ref, r)
	t.touchGone(r.key, why)
	if r.has(mayExist) {
		out = t.emit(Withdraw, ref, r, why, out)
	}
	t.setDoubt(ref, r, NoReason)
	t.refuse(ref, r, NoReason)
	t.place(ref, r, 0, hop{}, 0)
	t.assign(ref, r, 0)
	t.setOrigin(r, FromKernel, 0, 0)
	t.forget(ref, r)
	return out
}

// forget takes a record, by now empty, out of the table.
func (t *Table) forget(ref uint32, r *record) {
	delete(t.claims, ref)
	t.index.remove(t.hash(r.key), ref)
	t.lengths[lengthOf(r.key)]--
	t.counts.States[r.state]--
	t.counts.Sources[r.source]--
	t.counts.Bindings--
	r.state, r.flags = 0, 0
	r.version++ // nothing that is outstanding may touch the slot's next record
	t.records.release(ref)
}

// assign gives the record to a client, nil for none.
func (t *Table) assign(ref uint32, r *record, id uint32) {
	if r.client == id {
		return
	}
	t.unseat(ref, r)
	t.lends(r)
	if old := r.client; old != 0 {
		t.ofClient.remove(t.leasesOf(old, r), ref)
		t.clients.release(old)
	}
	r.client = id
	if id != 0 {
		t.clients.holdID(id)
		t.ofClient.pushBack(t.leasesOf(id, r), ref)
		t.lends(r)
	}
}

// leasesOf is the head of the chain of a client that r belongs to.
func (t *Table) leasesOf(id uint32, r *record) *uint32 {
	if r.isAddress() {
		return &t.clients.slab.at(id).addresses
	}
	return &t.clients.slab.at(id).prefixes
}

// setOrigin says whose word the record is.
func (t *Table) setOrigin(r *record, source Source, s Server, identity uint16) {
	t.counts.Sources[r.source]--
	t.counts.Sources[source]++
	t.identities.count(r.identity, -1)
	t.identities.count(identity, +1)
	r.source, r.server, r.identity = source, uint8(s), identity
}
