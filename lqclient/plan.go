package lqclient

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"leaseroute/lqclient/wire"
)

// A part is what one pair of marks is about, and the queries for it in the
// order in which they are to be tried.
type part struct {
	scope
	steps []step
}

// A step is all queries of one kind.
type step struct {
	kind    wire.QueryType
	queries []wire.Query // what may be asked now
	left    []error      // why something is not asked
	until   time.Time    // when what was refused may be asked again; zero: nothing was, or nobody knows
}

// askable reports whether there is any query to ask.
func (p part) askable() bool {
	return slices.ContainsFunc(p.steps, func(s step) bool { return len(s.queries) > 0 })
}

// left says for each kind why something of it is not asked.
func (p part) left() (reasons []error) {
	for _, s := range p.steps {
		reasons = append(reasons, s.left...)
	}
	return reasons
}

// retryAt returns when something of the part may be asked: zero if at once, or
// if nobody knows.
func (p part) retryAt() (at time.Time) {
	if p.askable() {
		return time.Time{}
	}
	for _, s := range p.steps {
		if at.IsZero() || !s.until.IsZero() && s.until.Before(at) {
			at = s.until
		}
	}
	return at
}

// A uselessError is a part of a round in which no query is of use.
type uselessError struct {
	reasons []error   // for each kind of query
	until   time.Time // when something may be asked again; zero: as after any failure
}

// Error gives all reasons on one line.
func (e *uselessError) Error() string {
	words := make([]string, len(e.reasons))
	for i, reason := range e.reasons {
		words[i] = reason.Error()
	}
	return "no kind of query is of use with this server: " + strings.Join(words, "; ")
}

func (e *uselessError) Unwrap() []error { return e.reasons }

// plan lays out the parts of a round.
func (r *Requestor) plan(j job) []part {
	scopes := j.scopes()
	if j.all {
		scopes = []scope{{all: true, links: r.options.links()}}
	}
	parts := make([]part, len(scopes))
	for i, s := range scopes {
		parts[i] = r.part(s)
	}
	return parts
}

// part lays out the steps for one scope.
func (r *Requestor) part(s scope) part {
	p := part{scope: s}
	for _, kind := range r.server.Queries {
		p.steps = append(p.steps, r.step(kind, s))
	}
	return p
}

// step lays out the queries of one kind, without those that make no sense or
// are known to be refused (3.6).
func (r *Requestor) step(kind wire.QueryType, s scope) step {
	st := step{kind: kind}
	wanted := r.queries(kind, s)
	if len(wanted) == 0 {
		st.left = append(st.left, r.lacking(kind)...)
	}
	for _, q := range wanted {
		if err := q.Validate(); err != nil {
			st.left = append(st.left, fmt.Errorf("%s: %w", describe(q), err))
			continue
		}
		if refusal, ok := r.refusals.of(q); ok {
			st.left = append(st.left, fmt.Errorf("%s: not asked again so soon: %w", describe(q), refusal.status))
			st.until = refusal.until
			continue
		}
		st.queries = append(st.queries, q)
	}
	r.breaks.leaveForLast(st.queries)
	return st
}

// queries returns the queries of one kind. In a round about links, relay-id
// and remote-id are asked for on these only (table 1.4).
func (r *Requestor) queries(kind wire.QueryType, s scope) []wire.Query {
	var each []wire.Query
	switch kind {
	case wire.ByRelayID:
		if len(r.options.RelayID) > 0 {
			each = append(each, wire.Query{Type: kind, RelayID: r.options.RelayID})
		}
	case wire.ByRemoteID:
		for _, id := range r.options.RemoteIDs {
			each = append(each, wire.Query{Type: kind, RemoteID: id})
		}
	case wire.ByLinkAddress:
		return onLinks(wire.Query{Type: kind}, s.links)
	}
	if s.all {
		return each
	}
	var queries []wire.Query
	for _, q := range each {
		queries = append(queries, onLinks(q, s.links)...)
	}
	return queries
}

// onLinks returns q for each link-address, once.
func onLinks(q wire.Query, links []Link) []wire.Query {
	var queries []wire.Query
	seen := make(map[netip.Addr]bool)
	for _, l := range links {
		if !seen[l.Address] {
			seen[l.Address] = true
			q.Link = l.Address
			queries = append(queries, q)
		}
	}
	return queries
}

// errNoLinks says that there is no link to ask about yet.
var errNoLinks = errors.New("no access interface has a global address")

// lacking says why there is no query of a kind.
func (r *Requestor) lacking(kind wire.QueryType) []error {
	switch {
	case kind == wire.ByRelayID:
		return []error{fmt.Errorf("%s: we have none", kind)}
	case kind == wire.ByLinkAddress:
		return []error{fmt.Errorf("%s: %w", kind, errNoLinks)}
	case kind != wire.ByRemoteID:
		return []error{fmt.Errorf("%s: not a kind of bulk query", kind)}
	case len(r.server.Queries) == 1:
		return []error{fmt.Errorf("%s: none is configured", kind)}
	}
	return nil // the usual chain ends with remote-id, whether there are any or not
}

// links returns our links as they are now.
func (o *Options) links() []Link {
	if o.Links == nil {
		return nil
	}
	return o.Links()
}
