//go:build linux

package e2e

import (
	"net/netip"
	"slices"
	"time"

	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// list is a server's database for the site, to be filled by hand.
func (s *site) list(leases ...lqserver.Binding) *lqserver.List {
	var segments []netip.Prefix
	for _, a := range s.Access {
		segments = append(segments, netip.PrefixFrom(a.Address, 64).Masked())
	}
	l := lqserver.NewList(segments, []netip.Prefix{lab.Delegated})
	l.Set(leases...)
	return l
}

// lease is a prefix of a client on a link, valid for a day from ten minutes
// ago on. Clients are told apart by their last octet.
func (s *site) lease(client byte, prefix string, link int) lqserver.Binding {
	return lqserver.Binding{
		Client: clientDUID(client), Prefix: netip.MustParsePrefix(prefix), Delegated: true,
		Preferred: 12 * time.Hour, Valid: 24 * time.Hour, Last: time.Now().Add(-10 * time.Minute),
		Relays: []lqserver.Relay{{Link: s.Access[link].Address, Peer: peer(client), RelayID: routerDUID}},
	}
}

func clientDUID(client byte) []byte { return []byte{0, 3, 0, 1, 2, 0, 0, 0, 1, client} }

// peer is a client's link-local address.
func peer(client byte) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 14: 0x1, 15: client})
}

// heard is the lease as if the client had spoken so long ago.
func heard(ago time.Duration, b lqserver.Binding) lqserver.Binding {
	b.Last = time.Now().Add(-ago)
	return b
}

// via is the lease with something else in the relay's message.
func via(b lqserver.Binding, change func(*lqserver.Relay)) lqserver.Binding {
	b.Relays = slices.Clone(b.Relays)
	change(&b.Relays[0])
	return b
}

// fibOf are the routes that leases should have.
func (s *site) fibOf(leases ...lqserver.Binding) fib {
	out := make(fib)
	for _, b := range leases {
		out[b.Prefix.Masked()] = s.routeOf(b)
	}
	return out
}
