//go:build linux

package lab

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// A Service says what a DHCPv6 server serves to clients, whichever server it
// is: Kea and Dhcpd take the same.
type Service struct {
	Links []ServedLink
	Lifetimes
	RapidCommit bool // to clients that ask for it
}

// A ServedLink is a link with clients.
type ServedLink struct {
	// Subnet holds the link-addresses of the relays on the link.
	Subnet netip.Prefix
	// Addresses is the pool for IA_NA, inside Subnet. The zero Prefix is none.
	Addresses netip.Prefix
	// Blocks are cut into delegated prefixes.
	Blocks []KeaPDPool
}

// Lifetimes are what a server tells with each lease, in whole seconds. A zero
// is not told or left to the server.
type Lifetimes struct {
	Preferred, Valid time.Duration
	Renew, Rebind    time.Duration // T1 and T2
}

// LongLifetimes outlast any test.
var LongLifetimes = Lifetimes{Preferred: 2 * time.Hour, Valid: 4 * time.Hour, Renew: time.Hour, Rebind: 90 * time.Minute}

// delegatedBlock is the length of the block that Service gives to each link.
const delegatedBlock = 44

// Service serves the clients of all access links, also those behind another
// relay there: addresses out of 2001:db8:N::/80 and a /56 out of the N-th /44
// in Delegated on access link N, counted from 1, with LongLifetimes.
func (e *Edge) Service() Service {
	s := Service{Lifetimes: LongLifetimes}
	for i, a := range e.Access {
		b := Delegated.Addr().As16()
		n := binary.BigEndian.Uint64(b[:]) + uint64(i+1)<<(64-delegatedBlock)
		binary.BigEndian.PutUint64(b[:], n)
		s.Links = append(s.Links, ServedLink{
			Subnet:    a.Subnet,
			Addresses: netip.PrefixFrom(hostOf(a.Subnet, 0, 1<<48), 80),
			Blocks:    []KeaPDPool{{Prefix: netip.PrefixFrom(netip.AddrFrom16(b), delegatedBlock), Length: 56}},
		})
	}
	return s
}

// A Lease is what a server holds for a client.
type Lease struct {
	Prefix netip.Prefix // of an IA_PD, or with length 128 the address of an IA_NA
	DUID   []byte
	IAID   uint32
	Until  time.Time // when it runs out, in whole seconds; the zero Time is never
}
