//go:build linux

package interop

import (
	"net/netip"
	"slices"
	"time"

	"leaseroute/binding"
	"leaseroute/test/lab"
)

// renewed returns the leases without those that are gone, and with those that
// have a new next hop renewed just now, by clients that are there themselves.
func renewed(leases []lab.KeaLease, gone map[netip.Prefix]bool, hop map[netip.Prefix]netip.Addr) []lab.KeaLease {
	var out []lab.KeaLease
	for _, l := range leases {
		if gone[l.Prefix] {
			continue
		}
		if to, ok := hop[l.Prefix]; ok {
			l.CLT = time.Now().Truncate(time.Second)
			l.Relays = direct(l, to)
		}
		out = append(out, l)
	}
	return out
}

// direct is the way of a client's message that only the router relayed.
func direct(l lab.KeaLease, peer netip.Addr) []binding.Relay {
	us := l.Relays[0]
	us.Peer = peer
	if us.Link.IsUnspecified() {
		us.Link = linkOf(l)
	}
	if len(us.RemoteID) == 0 {
		us.RemoteID = l.Relays[len(l.Relays)-1].RemoteID
	}
	return []binding.Relay{us}
}

// linkOf is the router's address on the link that a lease's subnet stands for.
func linkOf(l lab.KeaLease) netip.Addr {
	b := netip.MustParseAddr("2001:db8::1").As16()
	b[5] = byte(l.Subnet)
	return netip.AddrFrom16(b)
}

// sortRoutes puts routes into the order in which they are compared.
func sortRoutes(routes []lab.Route) { slices.SortFunc(routes, lab.Route.Compare) }
