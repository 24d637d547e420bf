package lqserver

import (
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// An engine knows what a query means. It has no connection and no state: a
// query changes nothing (S3), and any number may be answered at once.
type engine struct {
	store     Store
	manner    Manner
	denied    []QueryType
	sensitive []dhcpv6.OptionCode
}

// An answer is what a query found, one CLIENT_DATA after the other. It
// belongs to one goroutine.
type answer struct {
	Status iana.StatusCode // an error: there is nothing else
	Text   string          // the server's words for the status

	engine *engine
	query  *query
	match  Match
	from   Cursor // nil with an error
	stale  int    // Faults.Stale, 0 where it does not apply
	whole  bool   // a group is all of a client on a link, whatever the manner is

	leases   []Binding // the current group; all of it is reused
	next     Binding   // the first lease of the next group, if ahead
	ahead    bool
	sent     int  // leases so far
	inactive bool // one that matched was left out
}

// maxLeases bounds the leases in one CLIENT_DATA, so that the message stays
// below 65,536 octets.
const maxLeases = 1000

// answer starts to answer q, which was asked at now.
func (e *engine) answer(q *query, f *Faults, now time.Time) *answer {
	a := &answer{engine: e, query: q, match: q.Match}
	if code, struck := f.Status[q.Match.Type]; struck {
		return a.refuse(code, "as the fault says")
	}
	if code, text := e.check(q); code != iana.StatusSuccess {
		return a.refuse(code, text)
	}
	if !q.Link.IsUnspecified() {
		a.match.Segment = covering(e.store.Segments(), q.Link)
		if !a.match.Segment.IsValid() {
			return a.refuse(iana.StatusNotConfigured, "not a configured link") // S7
		}
	}
	if q.Match.Type == ByRelayID || q.Match.Type == ByRemoteID {
		a.stale = f.Stale
	}
	if q.Match.Type == ByAddress {
		return a.byAddress(now)
	}
	a.from = e.store.Find(a.match)
	return a
}

// check obeys S5 and S6.
func (e *engine) check(q *query) (iana.StatusCode, string) {
	switch {
	case !slices.Contains(QueryTypes(), q.Match.Type):
		return iana.StatusUnknownQueryType, "unknown query-type"
	case slices.Contains(e.denied, q.Match.Type):
		return iana.StatusNotAllowed, "query-type not allowed"
	case q.Missing != "":
		return iana.StatusMalformedQuery, "missing " + q.Missing
	}
	return iana.StatusSuccess, ""
}

func (a *answer) refuse(code iana.StatusCode, text string) *answer {
	a.Status, a.Text = code, text
	return a
}

// byAddress finds the one binding that holds the address (S8). With one
// CLIENT_DATA for a client and link, it reports all the client's leases there
// (S9).
func (a *answer) byAddress(now time.Time) *answer {
	e := a.engine
	a.from = e.store.Find(a.match)
	if !a.advance(&a.next, now) {
		if !a.inactive && !e.configured(a.match) {
			return a.refuse(iana.StatusNotConfigured, "address not in a pool")
		}
		return a
	}
	if e.manner.PerLease {
		a.ahead, a.from = true, nothing{}
		return a
	}
	a.match = Match{Type: ByClientID, Client: a.next.Client, Segment: a.next.segment(e.store.Segments())}
	a.from, a.next = e.store.Find(a.match), Binding{}
	return a
}

// configured reports whether the server is responsible for the address (S7).
func (e *engine) configured(m Match) bool {
	return m.Segment.IsValid() ||
		covering(e.store.Segments(), m.Address).IsValid() || covering(e.store.Pools(), m.Address).IsValid()
}

// group returns the leases of the next CLIENT_DATA: one, or all of a client
// on a link (S35). They are valid until the next call; nil is the end.
func (a *answer) group(now time.Time) []Binding {
	if a.from == nil || !a.take(0, now) {
		return nil
	}
	n := 1
	for (a.whole || !a.engine.manner.PerLease) && n < maxLeases && a.take(n, now) {
		if !a.together(&a.leases[n]) {
			a.leases[n], a.next, a.ahead = a.next, a.leases[n], true
			break
		}
		n++
	}
	a.sent += n
	return a.leases[:n]
}

// take puts the next lease into the group's i-th place, and reports whether
// there was one.
func (a *answer) take(i int, now time.Time) bool {
	if i == len(a.leases) {
		a.leases = append(a.leases, Binding{})
	}
	if a.ahead {
		a.leases[i], a.next, a.ahead = a.next, a.leases[i], false
		return true
	}
	return a.advance(&a.leases[i], now)
}

// together reports whether b belongs to the client and link of the group.
func (a *answer) together(b *Binding) bool {
	first := &a.leases[0]
	segments := a.engine.store.Segments()
	return string(first.Client) == string(b.Client) && first.segment(segments) == b.segment(segments)
}

// advance finds the next lease to report.
func (a *answer) advance(b *Binding, now time.Time) bool {
	for a.from.Next(b) {
		if !a.match.holds(b, a.engine.store.Segments()) || !a.query.covers(b) {
			continue
		}
		if b.active(now) || a.stale > 0 && a.sent >= a.stale {
			return true
		}
		a.inactive = true
	}
	return false
}

// covers reports whether b changed within the query's times (S36).
func (q *query) covers(b *Binding) bool {
	return (q.Start.IsZero() || !b.Last.Before(q.Start)) && (q.End.IsZero() || !b.Last.After(q.End))
}

// success is the text of a Success that is said (Manner.ExplicitStatus).
func (a *answer) success(found bool) string {
	one := a.query.Match.Type == ByAddress
	switch {
	case found && one:
		return "active lease found"
	case found:
		return "active lease(s) found"
	case one && a.inactive:
		return "inactive lease exists"
	case one:
		return "no active lease"
	}
	return "no active leases"
}

// style is how a binding is written that no fault strikes.
func (a *answer) style() style {
	m := &a.engine.manner
	return style{
		relayData:       a.relayData(),
		lostInfinity:    m.LostInfinity,
		storedPreferred: m.StoredPreferred,
		absoluteTimes:   m.AbsoluteTimes,
	}
}

// relayData reports whether the answer is to have relay data (S10, S11).
func (a *answer) relayData() bool {
	m := &a.engine.manner
	asked := a.query.wants(dhcpv6.OptionLQRelayData) || m.AlwaysRelayData
	return asked && !m.NoRelayData && !slices.Contains(a.engine.sensitive, dhcpv6.OptionLQRelayData)
}

// baseTime reports whether each message is to have a base-time (S36).
func (a *answer) baseTime() bool {
	return a.query.wants(dhcpv6.OptionLQBaseTime) && !slices.Contains(a.engine.sensitive, dhcpv6.OptionLQBaseTime)
}

// nothing is the cursor of an answer that has no more leases.
type nothing struct{}

// Next implements Cursor.
func (nothing) Next(*Binding) bool { return false }
