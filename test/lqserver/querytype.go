package lqserver

import "fmt"

// QueryType is the first octet of OPTION_LQ_QUERY, by the numbers that the
// RFCs gave (RFC 5007, section 6; RFC 5460, section 9).
type QueryType uint8

// The query types.
const (
	ByAddress     QueryType = 1
	ByClientID    QueryType = 2
	ByRelayID     QueryType = 3
	ByLinkAddress QueryType = 4
	ByRemoteID    QueryType = 5
)

// QueryTypes returns all of them.
func QueryTypes() []QueryType {
	return []QueryType{ByAddress, ByClientID, ByRelayID, ByLinkAddress, ByRemoteID}
}

// bulk reports whether the type is one of bulk leasequery, which asks for many
// clients at once (RFC 5460).
func (t QueryType) bulk() bool {
	return t == ByRelayID || t == ByLinkAddress || t == ByRemoteID
}

// String gives the name that an operator uses: "relay-id".
func (t QueryType) String() string {
	switch t {
	case ByAddress:
		return "address"
	case ByClientID:
		return "client-id"
	case ByRelayID:
		return "relay-id"
	case ByLinkAddress:
		return "link-address"
	case ByRemoteID:
		return "remote-id"
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// ParseQueryType reads the name that String gives.
func ParseQueryType(name string) (QueryType, error) {
	for _, t := range QueryTypes() {
		if t.String() == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("unknown query type %q, want one of %v", name, QueryTypes())
}
