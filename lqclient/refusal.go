package lqclient

import (
	"errors"
	"fmt"
	"time"

	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/lqclient/wire"
)

// How long a server is not asked again what it refused (table 3.6).
const (
	unknownTypePause = time.Hour
	notAllowedPause  = 10 * time.Minute
)

// A refusal is an error status by which a server says that a query is of no
// use to it: the next kind of query may be.
type refusal struct {
	status *StatusError
	until  time.Time // zero: until someone asks for a round
}

// refusals remembers what a server refused. It belongs to the requestor's
// goroutine.
type refusals struct {
	kinds   map[wire.QueryType]refusal // UnknownQueryType, NotAllowed
	queries map[string]refusal         // MalformedQuery, by queryKey
}

func newRefusals() refusals {
	return refusals{kinds: make(map[wire.QueryType]refusal), queries: make(map[string]refusal)}
}

// refused returns the status if err is a refusal, nil if it is another error.
// An answer that broke off is none, whatever its status says.
func refused(err error) *StatusError {
	var status *StatusError
	if errors.Is(err, ErrIncomplete) || !errors.As(err, &status) {
		return nil
	}
	switch status.Code {
	case iana.StatusUnknownQueryType, iana.StatusNotAllowed, iana.StatusNotConfigured, iana.StatusMalformedQuery:
		return status
	}
	return nil
}

// refusesKind reports whether a refusal is about all queries of its type.
func refusesKind(s *StatusError) bool {
	return s.Code == iana.StatusUnknownQueryType || s.Code == iana.StatusNotAllowed
}

// remember keeps the refusal of q. NotConfigured is about one link and may
// change at any time: it is not kept.
func (r *refusals) remember(q wire.Query, s *StatusError) {
	switch s.Code {
	case iana.StatusUnknownQueryType:
		r.kinds[q.Type] = refusal{s, time.Now().Add(unknownTypePause)}
	case iana.StatusNotAllowed:
		r.kinds[q.Type] = refusal{s, time.Now().Add(notAllowedPause)}
	case iana.StatusMalformedQuery:
		r.queries[queryKey(q)] = refusal{status: s}
	}
}

// of returns the refusal that still keeps q from being asked.
func (r *refusals) of(q wire.Query) (refusal, bool) {
	if kind, ok := r.kinds[q.Type]; ok {
		if time.Now().Before(kind.until) {
			return kind, true
		}
		delete(r.kinds, q.Type)
	}
	query, ok := r.queries[queryKey(q)]
	return query, ok
}

// forget is called when someone asks for a round: then only what the server
// does not know at all is still left out.
func (r *refusals) forget() {
	clear(r.queries)
	for kind, refusal := range r.kinds {
		if refusal.status.Code == iana.StatusNotAllowed {
			delete(r.kinds, kind)
		}
	}
}

// queryKey is the same for two queries that differ in the transaction-id only.
func queryKey(q wire.Query) string {
	return fmt.Sprintf("%d %s %s %x %x %x", q.Type, q.Link, q.Address, q.ClientID, q.RelayID, q.RemoteID)
}

// describe says in words what q asks for.
func describe(q wire.Query) string {
	var what string
	switch q.Type {
	case wire.ByAddress:
		what = q.Address.String()
	case wire.ByLinkAddress:
		what = q.Link.String()
	case wire.ByClientID:
		what = fmt.Sprintf("%x", q.ClientID)
	case wire.ByRelayID:
		what = fmt.Sprintf("%x", q.RelayID)
	case wire.ByRemoteID:
		what = fmt.Sprintf("%x", q.RemoteID)
	}
	if q.Link.IsValid() && q.Type != wire.ByLinkAddress {
		what += " on link " + q.Link.String()
	}
	return q.Type.String() + " " + what
}
