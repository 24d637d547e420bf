package binding

// A vacancy is a slot that came free.
type vacancy struct {
	port   Interface
	client uint32 // held
}

// limited reports whether r counts towards a limit: delegated prefixes do.
func (t *Table) limited(r *record) bool {
	return !r.isAddress() && (t.policy.MaxPerClient > 0 || t.policy.MaxPerPort > 0)
}

// seat gives r a slot, or says which limit forbids it (RFC 8987, G-4 to G-7).
// The client is the DUID on one interface.
func (t *Table) seat(ref uint32, r *record) Reason {
	if r.has(seated) || !t.limited(r) {
		return NoReason
	}
	if m := t.policy.MaxPerClient; m > 0 && t.seatsOf(r) >= m {
		t.await(ref, r, false)
		return ClientLimit
	}
	if m := t.policy.MaxPerPort; m > 0 && t.portOf(r.port).seats >= m {
		t.await(ref, r, true)
		return PortLimit
	}
	t.seatAnyway(ref, r)
	return NoReason
}

// seatAnyway gives r a slot whatever the limits say, which is for routes that
// exist already.
func (t *Table) seatAnyway(ref uint32, r *record) {
	if !t.limited(r) || r.port == 0 {
		return
	}
	t.await(ref, r, false)
	r.set(seated)
	t.portOf(r.port).seats++
	t.reorder(ref, r, t.ofClient.pushFront)
}

// unseat takes r's slot, if it has one, for somebody else.
func (t *Table) unseat(ref uint32, r *record) {
	if !r.has(seated) {
		return
	}
	r.unset(seated)
	t.portOf(r.port).seats--
	t.reorder(ref, r, t.ofClient.pushBack)
	t.clients.holdID(r.client)
	t.vacancies = append(t.vacancies, vacancy{port: r.port, client: r.client})
}

// reorder keeps the seated prefixes of a client before the others, so that
// counting them is quick even for a client with a great many.
func (t *Table) reorder(ref uint32, r *record, push func(head *uint32, ref uint32)) {
	if r.client == 0 {
		return
	}
	head := t.leasesOf(r.client, r)
	t.ofClient.remove(head, ref)
	push(head, ref)
}

// seatsOf counts the slots of r's client on r's interface, up to the limit.
func (t *Table) seatsOf(r *record) int {
	n := 0
	if r.client == 0 {
		return 0
	}
	t.ofClient.walk(*t.leasesOf(r.client, r), func(ref uint32) bool {
		o := t.records.at(ref)
		if o.port == r.port && o.has(seated) {
			n++
		}
		return o.has(seated) && n < t.policy.MaxPerClient
	})
	return n
}

// fill ends a call: what came free is given to those who wait for it.
func (t *Table) fill(out []Change) []Change {
	for len(t.vacancies) > 0 || len(t.lenders) > 0 {
		for i := 0; i < len(t.lenders); i++ {
			out = t.lend(t.lenders[i], out)
			t.clients.release(t.lenders[i])
		}
		t.lenders = t.lenders[:0]
		if last := len(t.vacancies) - 1; last >= 0 {
			v := t.vacancies[last]
			t.vacancies = t.vacancies[:last]
			out = t.offer(v, out)
			t.clients.release(v.client)
		}
	}
	return out
}

// offer gives a free slot to the next of its port, and to the next of its
// client on that port.
func (t *Table) offer(v vacancy, out []Change) []Change {
	for p := t.ports[v.port]; p != nil && p.waiting != 0 && p.seats < t.policy.MaxPerPort; {
		ref := p.waiting
		r := t.records.at(ref)
		out = t.settle(ref, r, r.verdict, out)
	}
	if v.client == 0 {
		return out
	}
	t.ofClient.walk(t.clients.slab.at(v.client).prefixes, func(ref uint32) bool {
		r := t.records.at(ref)
		if r.port != v.port || r.refusal != ClientLimit {
			return true
		}
		out = t.settle(ref, r, r.verdict, out)
		return !r.has(seated)
	})
	return out
}
