package lqclient

import (
	"slices"

	"leaseroute/lqclient/wire"
)

// breaks counts how often each query's answer broke off since the last round
// that was complete. It belongs to the requestor's goroutine.
type breaks map[string]int

// leaveForLast puts those queries behind whose answers broke off most: a link
// about which the server can't tell must not keep the others from being asked
// about.
func (b breaks) leaveForLast(queries []wire.Query) {
	if len(b) == 0 {
		return
	}
	slices.SortStableFunc(queries, func(x, y wire.Query) int { return b[queryKey(x)] - b[queryKey(y)] })
}
