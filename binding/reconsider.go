package binding

import "time"

// Reconsider takes in another policy: what it no longer allows loses its
// route, and what it allows now gets one. What was learnt stays. The tolerance
// and the bound on sequence numbers stay as they were, as does the margin that
// the kernel's expiries were made with.
func (t *Table) Reconsider(now time.Time, p Policy, out []Change) []Change {
	t.tick(now)
	out = t.resume(out)
	p = p.withDefaults()
	p.EPS, p.MaxJump, p.FailSafeMargin = t.policy.EPS, t.policy.MaxJump, t.policy.FailSafeMargin
	t.policy = p
	for ref, r := range t.refs() {
		out = t.settle(ref, r, r.verdict, out)
	}
	for i := range t.blocks.near {
		t.checkBlock(i) // by the policy's own lead
	}
	return t.fill(out)
}

// Abandon takes in that an interface is no longer ours to route to: unlike one
// that went down, it still has its routes. The bindings stay.
func (t *Table) Abandon(now time.Time, i Interface, out []Change) []Change {
	t.tick(now)
	out = t.resume(out)
	if p := t.ports[i]; p != nil {
		for ref := p.members; ref != 0; ref = t.ofPort.after(p.members, ref) {
			if r := t.records.at(ref); r.has(mayExist) {
				out = t.emit(Withdraw, ref, r, InterfaceMissing, out)
			}
		}
	}
	t.interfaceGone(now, i, InterfaceMissing)
	return t.fill(out)
}

// Renumber takes in that the servers have other numbers: to returns the new
// one of each, 0 if the server is no longer asked. What such a one said stays
// until it expires, or another server knows better.
func (t *Table) Renumber(to func(Server) Server) {
	var servers [MaxServers + 1]server
	for i := range servers {
		servers[i].began = never
	}
	for s := Server(1); s <= MaxServers; s++ {
		if n := to(s); n != 0 {
			servers[n] = t.servers[s]
		}
	}
	t.servers, t.known = servers, renumbered(t.known, to)
	for ref, c := range t.claims {
		t.claims[ref] = unclaimed{renumbered(c.ask, to), renumbered(c.answered, to), renumbered(c.denied, to)}
	}
	t.tombstones.renumber(to)
	for i := range t.story.events {
		e := &t.story.events[i]
		e.server = uint8(to(Server(e.server)))
	}
	clear(t.blocks.asks)
	for ref, r := range t.refs() {
		r.server = uint8(to(Server(r.server)))
		t.blocks.asks[t.blocks.of(ref)] |= t.toAsk(ref, r)
	}
}

// renumbered takes a set of servers to their new numbers.
func renumbered(set uint64, to func(Server) Server) (out uint64) {
	for s := Server(1); s <= MaxServers; s++ {
		if n := to(s); n != 0 && set&serverBit(s) != 0 {
			out |= serverBit(n)
		}
	}
	return out
}
