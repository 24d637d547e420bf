package lqserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// errDropped reports a LEASEQUERY that gets no answer (S1).
var errDropped = errors.New("query dropped")

// A query is a LEASEQUERY that deserves an answer, if only an error status.
type query struct {
	ID        [3]byte // transaction-id
	Requestor []byte  // its OPTION_CLIENTID, echoed in the REPLY (S4)
	Addressed bool    // it has a SERVERID, ours
	Link      netip.Addr
	Match     Match               // without Segment: that needs the server's links
	Missing   string              // the option that its type needs and that it lacks (S5); empty if none
	Wanted    []dhcpv6.OptionCode // the ORO in the query-options (S10), and at message level
	Start     time.Time           // OPTION_LQ_START_TIME (S36); zero if absent
	End       time.Time           // OPTION_LQ_END_TIME
}

// wants reports whether the requestor asked for an option by ORO.
func (q *query) wants(code dhcpv6.OptionCode) bool { return slices.Contains(q.Wanted, code) }

// parseQuery reads a LEASEQUERY, its framing taken off. The error wraps
// errDropped and says which rule of S1 was broken.
func parseQuery(b, serverID []byte) (*query, error) {
	m, err := dhcpv6.MessageFromBytes(b)
	if err != nil {
		return nil, fmt.Errorf("read leasequery: %w: %w", err, errDropped)
	}
	q := &query{ID: m.TransactionID}
	if q.Requestor = value(m.Options.Options, dhcpv6.OptionClientID); q.Requestor == nil {
		return nil, fmt.Errorf("no CLIENTID: %w", errDropped)
	}
	id := value(m.Options.Options, dhcpv6.OptionServerID)
	if q.Addressed = id != nil; q.Addressed && string(id) != string(serverID) {
		return nil, fmt.Errorf("SERVERID %x is not ours: %w", id, errDropped)
	}
	lq := value(m.Options.Options, dhcpv6.OptionLQQuery)
	if lq == nil {
		return nil, fmt.Errorf("no LQ_QUERY: %w", errDropped)
	}
	inner, err := q.parseLQQuery(lq)
	if err != nil {
		return nil, err
	}
	q.parseTimes(m.Options.Options)
	q.parseTimes(inner)
	return q, nil
}

// parseLQQuery reads the value of OPTION_LQ_QUERY (RFC 5007, section
// 4.1.2.1) and returns its query-options.
func (q *query) parseLQQuery(b []byte) (dhcpv6.Options, error) {
	const fixed = 17
	if len(b) < fixed {
		return nil, fmt.Errorf("LQ_QUERY of %d octets: %w", len(b), errDropped)
	}
	q.Link = netip.AddrFrom16([16]byte(b[1:fixed]))
	q.Match = Match{Type: QueryType(b[0])}
	var inner dhcpv6.Options
	if err := inner.FromBytes(b[fixed:]); err != nil {
		return nil, fmt.Errorf("read query-options: %w: %w", err, errDropped)
	}
	q.parseTarget(inner)
	return inner, nil
}

// parseTarget takes the option that the query type needs (S5).
func (q *query) parseTarget(inner dhcpv6.Options) {
	need := func(code dhcpv6.OptionCode) []byte {
		v := value(inner, code)
		if len(v) == 0 {
			q.Missing = code.String()
		}
		return v
	}
	switch q.Match.Type {
	case ByAddress:
		if v := need(dhcpv6.OptionIAAddr); len(v) >= 16 {
			q.Match.Address = netip.AddrFrom16([16]byte(v[:16]))
		}
	case ByClientID:
		q.Match.Client = need(dhcpv6.OptionClientID)
	case ByRelayID:
		q.Match.RelayID = need(dhcpv6.OptionRelayID)
	case ByRemoteID:
		q.Match.RemoteID = need(dhcpv6.OptionRemoteID)
	case ByLinkAddress:
		if q.Link.IsUnspecified() {
			q.Missing = "a link-address" // S30
		}
	}
}

// parseTimes reads what RFC 7653 adds to bulk leasequery. It may stand at
// message level or among the query-options: the RFC shows no nesting.
func (q *query) parseTimes(o dhcpv6.Options) {
	for v := value(o, dhcpv6.OptionORO); len(v) >= 2; v = v[2:] {
		q.Wanted = append(q.Wanted, dhcpv6.OptionCode(binary.BigEndian.Uint16(v)))
	}
	if v := value(o, dhcpv6.OptionLQStartTime); len(v) == 4 {
		q.Start = time2000.Add(time.Duration(binary.BigEndian.Uint32(v)) * time.Second)
	}
	if v := value(o, dhcpv6.OptionLQEndTime); len(v) == 4 {
		q.End = time2000.Add(time.Duration(binary.BigEndian.Uint32(v)) * time.Second)
	}
}

// value returns the value of the first option of that code, nil if there is
// none.
func value(o dhcpv6.Options, code dhcpv6.OptionCode) []byte {
	if opt := o.GetOne(code); opt != nil {
		return append([]byte{}, opt.ToBytes()...)
	}
	return nil
}
