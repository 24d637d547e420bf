package lqserver

import "net/netip"

// A Store holds the bindings that a server answers from. Its methods are
// called from many goroutines.
type Store interface {
	// Segments are the links the server is configured for, canonical (S7, S30).
	Segments() []netip.Prefix
	// Pools are the blocks that prefixes are delegated from: an address in
	// neither a pool nor a segment is not configured (S7).
	Pools() []netip.Prefix
	// Find returns the bindings that match m, in any order, but with the
	// leases that a client has on one link next to each other (S35). It may
	// return more than match, active or not: the engine looks at each again.
	Find(m Match) Cursor
}

// A Cursor steps through bindings. It belongs to one goroutine.
type Cursor interface {
	// Next fills b and reports whether there was another binding. b is either
	// zero or was filled by this Cursor before: its slices are the cursor's to
	// use again.
	Next(b *Binding) bool
}

// A Match says which bindings a query asks for. Only the field that belongs
// to Type is set, Segment aside.
type Match struct {
	Type     QueryType
	Address  netip.Addr   // ByAddress: in the delegated prefix, or the address itself (S8)
	Client   []byte       // ByClientID
	RelayID  []byte       // ByRelayID
	RemoteID []byte       // ByRemoteID
	Segment  netip.Prefix // zero: all links
}
