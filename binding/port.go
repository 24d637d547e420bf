package binding

// A port is an interface with the leases behind it.
type port struct {
	members uint32 // head of the chain of its leases, those waiting aside
	waiting uint32 // head of the chain of those that wait for a slot, first come first
	seats   int    // leases that count towards max_prefixes_per_port
	gone    Reason // InterfaceDown or InterfaceMissing if it is that; else NoReason
}

// portOf returns a port, which exists from the first lease behind it, or from
// the word that it is down.
func (t *Table) portOf(i Interface) *port {
	p := t.ports[i]
	if p == nil {
		p = new(port)
		t.ports[i] = p
	}
	return p
}

// place says where the record's client is: behind which interface (0: unknown),
// by which next hop, and how we know (0, borrowed or inherited).
func (t *Table) place(ref uint32, r *record, i Interface, h hop, how flags) {
	t.touch(ref, r)
	r.unset(borrowed | inherited)
	r.set(how)
	if r.port == i && r.hop == h {
		return
	}
	if r.port != i {
		t.lends(r)
		t.movePort(ref, r, i)
		t.lends(r)
	}
	r.hop = h
	if r.has(mayExist) {
		r.set(stale)
	}
	switch r.refusal {
	case KernelRefused, InterfaceDown, InterfaceMissing:
		t.refuse(ref, r, NoReason) // it was about the old place
	}
}

// movePort takes the record from one port's chain to another's.
func (t *Table) movePort(ref uint32, r *record, i Interface) {
	t.unseat(ref, r)
	if p := t.ports[r.port]; p != nil && r.port != 0 {
		t.ofPort.remove(p.listOf(r), ref)
		r.unset(waiting)
		t.tidy(r.port, p)
	}
	if r.port = i; i != 0 {
		t.ofPort.pushBack(&t.portOf(i).members, ref)
	}
}

// tidy forgets a port of which there is nothing to remember.
func (t *Table) tidy(i Interface, p *port) {
	if p.members == 0 && p.waiting == 0 && p.gone == NoReason {
		delete(t.ports, i)
	}
}

// listOf is the head of the chain that r is on.
func (p *port) listOf(r *record) *uint32 {
	if r.has(waiting) {
		return &p.waiting
	}
	return &p.members
}

// await puts r on the port's waiting list, or takes it off.
func (t *Table) await(ref uint32, r *record, wait bool) {
	if r.has(waiting) == wait || r.port == 0 {
		return
	}
	p := t.portOf(r.port)
	t.ofPort.remove(p.listOf(r), ref)
	r.flags ^= waiting
	t.ofPort.pushBack(p.listOf(r), ref)
}
