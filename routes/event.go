package routes

import (
	"fmt"
	"net/netip"

	"leaseroute/binding"
)

// EventKind is what Watch saw.
type EventKind uint8

// The events. Those about links come after the snapshot of Links has been
// renewed; only access and core interfaces have them.
const (
	// RouteGone: a route of ours was deleted or changed by somebody else, by
	// the kernel (link down) or by its own expiry. Whether it should be there
	// is the table's to say. Interface is where it led, if that is known.
	RouteGone EventKind = iota
	// ForeignAdded: somebody else now holds a route of exactly Prefix, inside
	// an allowed block (DESIGN.md rule 1).
	ForeignAdded
	// ForeignGone: nobody else is known to hold Prefix any more.
	ForeignGone
	LinkUp       // admin and oper up, and it was not before
	LinkDown     // no longer admin up: the kernel has deleted its routes, which it keeps on loss of carrier
	LinkAppeared // up or down: LinkUp follows if it is up
	LinkRemoved  // also: renamed, or moved to another namespace
	LinkChanged  // other addresses
	// AggregateGone: the covering route of the allowed block Prefix, or what
	// stood in for it, is gone: EnsureAggregates puts it back.
	AggregateGone
	// Overflow: the kernel had to drop events. Only Dump tells what happened.
	Overflow
)

var eventNames = [...]string{
	RouteGone: "route gone", ForeignAdded: "foreign route added", ForeignGone: "foreign route gone",
	LinkUp: "link up", LinkDown: "link down", LinkAppeared: "link appeared", LinkRemoved: "link removed",
	LinkChanged: "link changed", AggregateGone: "aggregate gone", Overflow: "overflow",
}

// String returns the kind in an operator's words.
func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return fmt.Sprintf("event %d", uint8(k))
}

// An Event is one thing that happened in the kernel and was not our doing.
// Prefix is valid for routes and aggregates, Interface is set for links.
type Event struct {
	Kind      EventKind
	Prefix    netip.Prefix
	Interface binding.Interface
}
