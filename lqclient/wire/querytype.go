package wire

import (
	"fmt"
	"slices"
)

// QueryType is the first octet of OPTION_LQ_QUERY in the RFCs' numbering
// (RFC 5007, section 6; RFC 5460, section 9). An early draft gave 1, 2 and 3
// other meanings: its dialect needs a type of its own (C19).
type QueryType uint8

// The query types. Those from ByRelayID on are for TCP only (R7).
const (
	ByAddress     QueryType = 1
	ByClientID    QueryType = 2
	ByRelayID     QueryType = 3
	ByLinkAddress QueryType = 4
	ByRemoteID    QueryType = 5
)

// queryTypeNames are the names in configuration and output, by value.
var queryTypeNames = [...]string{"", "address", "client-id", "relay-id", "link-address", "remote-id"}

// String returns the name that ParseQueryType takes: "address", "client-id",
// "relay-id", "link-address" or "remote-id".
func (t QueryType) String() string {
	if t < ByAddress || t > ByRemoteID {
		return fmt.Sprintf("query type %d", uint8(t))
	}
	return queryTypeNames[t]
}

// ParseQueryType is the reverse of String.
func ParseQueryType(name string) (QueryType, error) {
	if i := slices.Index(queryTypeNames[1:], name); i >= 0 {
		return QueryType(i + 1), nil
	}
	return 0, fmt.Errorf("query type %q: want one of %q", name, queryTypeNames[1:])
}
