package lqserver

import (
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/iana"
)

// A finding is what a query over UDP found: the leases of one client on one
// link (S18), or the links that the client is on (S17), or neither: it is not
// known (S20), or the answer is an error.
type finding struct {
	*answer
	leases []Binding // valid until the next group is taken
	links  []netip.Addr
}

// find answers q, which was asked at now, as RFC 5007 has it: about one client.
func (e *engine) find(q *query, f *Faults, now time.Time) finding {
	if e.manner.AddressesOnly {
		anywhere := *q
		anywhere.Link = netip.IPv6Unspecified()
		q = &anywhere
	}
	if _, struck := f.Status[q.Match.Type]; !struck {
		if code, text := e.checkLookup(q); code != iana.StatusSuccess {
			return finding{answer: (&answer{engine: e, query: q}).refuse(code, text)}
		}
	}
	found := finding{answer: e.clientAnswer(q, f, now)}
	if q.open() {
		if links := e.links(q, f, now); len(links) > 1 {
			found.links = links
			return found
		}
	}
	found.leases = found.group(now)
	return found
}

// open reports whether q asks for a client wherever it is.
func (q *query) open() bool { return q.Match.Type == ByClientID && q.Link.IsUnspecified() }

// checkLookup obeys S19, and a manner that knows less than the RFCs.
func (e *engine) checkLookup(q *query) (iana.StatusCode, string) {
	t, only := q.Match.Type, e.manner.AddressesOnly
	switch {
	case t.bulk() && (only || e.manner.UnknownBulk), only && t == ByClientID:
		return iana.StatusUnknownQueryType, "unknown query-type"
	case t.bulk():
		return iana.StatusNotAllowed, "query-type over TCP only"
	case only && q.Match.Address.IsValid() && !e.leasesOut(q.Match.Address):
		return iana.StatusNotConfigured, "address not in a pool"
	}
	return iana.StatusSuccess, ""
}

// leasesOut reports whether an address is one that the server leases out by
// itself, rather than one in a delegated prefix.
func (e *engine) leasesOut(a netip.Addr) bool {
	segments := e.store.Segments()
	b := Binding{}
	m := Match{Type: ByAddress, Address: a}
	for c := e.store.Find(m); c.Next(&b); {
		if m.holds(&b, segments) {
			return !b.Delegated
		}
	}
	return covering(segments, a).IsValid()
}

// clientAnswer is answer with all of a client's leases on a link at once (S9).
func (e *engine) clientAnswer(q *query, f *Faults, now time.Time) *answer {
	a := e.answer(q, f, now)
	a.whole = true
	return a
}

// links returns a link-address for each link that the client has leases on: the
// address of the link's prefix, as Kea does it.
func (e *engine) links(q *query, f *Faults, now time.Time) []netip.Addr {
	var links []netip.Addr
	a := e.clientAnswer(q, f, now)
	for leases := a.group(now); leases != nil; leases = a.group(now) {
		if s := leases[0].segment(e.store.Segments()); s.IsValid() && !slices.Contains(links, s.Addr()) {
			links = append(links, s.Addr())
		}
	}
	return links
}
