package binding

import (
	"maps"
	"net/netip"
	"slices"
	"time"
)

// RouteGone takes in that somebody else deleted or replaced our route: it is
// installed again. Whether that has become a fight is for the caller to see.
func (t *Table) RouteGone(now time.Time, key Key, out []Change) []Change {
	t.tick(now)
	out = t.resume(out)
	ref := t.findRoute(key)
	if ref == 0 {
		return out
	}
	r := t.records.at(ref)
	if !r.has(mayExist) {
		return out
	}
	t.missRoute(ref, r)
	return t.fill(t.settle(ref, r, Repaired, out))
}

// InterfaceDown takes in that the kernel has dropped the routes by an
// interface. The bindings stay (RFC 8987, S-2).
func (t *Table) InterfaceDown(now time.Time, i Interface) { t.interfaceGone(now, i, InterfaceDown) }

// InterfaceMissing is InterfaceDown for an interface that is no longer there.
func (t *Table) InterfaceMissing(now time.Time, i Interface) {
	t.interfaceGone(now, i, InterfaceMissing)
}

func (t *Table) interfaceGone(now time.Time, i Interface, why Reason) {
	t.tick(now)
	if i == 0 {
		return
	}
	p := t.portOf(i)
	p.gone = why
	for ref := p.members; ref != 0; ref = t.ofPort.after(p.members, ref) {
		r := t.records.at(ref)
		if r.has(stale) {
			t.postpone(ref, r) // what the kernel holds is another route, maybe elsewhere
		} else {
			t.missRoute(ref, r)
		}
		if r.refusal == NoReason || r.refusal == KernelRefused || gone(r.refusal) {
			t.refuse(ref, r, why)
		}
		t.restate(ref, r)
	}
	t.tidy(i, p)
}

// InterfaceUp takes in that an interface is there and up: the routes by it are
// added again, and what was refused because it was not is tried.
func (t *Table) InterfaceUp(now time.Time, i Interface, out []Change) []Change {
	t.tick(now)
	out = t.resume(out)
	p := t.ports[i]
	if p == nil {
		return out
	}
	p.gone = NoReason
	for ref, next := p.members, uint32(0); ref != 0; ref = next {
		next = t.ofPort.after(p.members, ref)
		r := t.records.at(ref)
		if gone(r.refusal) {
			t.refuse(ref, r, NoReason)
			out = t.settle(ref, r, t.resumeReason(r), out)
		}
	}
	t.tidy(i, p)
	return t.fill(out)
}

// Retry takes in that a foreign route or a connected prefix is gone, and tries
// again what was refused and overlaps it.
func (t *Table) Retry(now time.Time, prefix netip.Prefix, out []Change) []Change {
	t.tick(now)
	out = t.resume(out)
	if len(t.obstructed) == 0 {
		return out
	}
	for _, ref := range slices.Sorted(maps.Keys(t.obstructed)) {
		if r := t.records.at(ref); r.key.prefix().Overlaps(prefix) {
			t.refuse(ref, r, NoReason)
			out = t.settle(ref, r, r.verdict, out)
		}
	}
	return t.fill(out)
}
