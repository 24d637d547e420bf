//go:build linux

package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"leaseroute/binding"
)

// routerID is the relay-id of the edge's router, otherID another router's.
var (
	routerID = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}
	otherID  = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 2}
)

const (
	remoteIDs  = 5      // how many different ones there are
	validFor   = 86_400 // lifetimes of most leases, in seconds
	preferFor  = 43_200
	enterprise = 3561 // of the remote-ids: the Broadband Forum
)

// remoteID returns the i-th remote-id, which many clients share.
func remoteID(i int) []byte {
	return fmt.Appendf(binary.BigEndian.AppendUint32(nil, enterprise), "olt-%d", i)
}

// Where a client is; the position decides about the relays of its messages.
const (
	direct        = iota
	behindNode    // an access node that relays without an address of its own
	behindRouter  // a router that relays from a link of its own
	atOtherRouter // none of ours
)

// plain is the recipe of PlainLeases.
func plain(k int, p *pools, now time.Time) []KeaLease {
	link := k % KeaLinks
	return []KeaLease{lease(k, link, p.prefix(link, 1), now.Add(-time.Hour), relays(k, link, direct, p))}
}

// mixed is the recipe of MixedLeases. The divisors are primes, so that every
// combination occurs.
func mixed(k int, p *pools, now time.Time) []KeaLease {
	link, position := k%KeaLinks, direct
	switch {
	case k%23 == 1:
		link, position = KeaLinks, atOtherRouter
	case k%5 == 2:
		position = behindNode
	case k%7 == 3:
		position = behindRouter
	}
	way := relays(k, link, position, p)
	prefixes := 1
	if k%11 == 4 {
		prefixes = 3
	}
	var leases []KeaLease
	for i := range prefixes {
		kind := (k/KeaLinks + i) % len(prefixLengths)
		l := lease(k, link, p.prefix(link, kind), now.Add(-age(k)), way)
		l.IAID = uint32(i + 1)
		fate(&l, k+i, now)
		leases = append(leases, l)
	}
	if k%3 == 1 {
		l := lease(k, link, p.address(link, k), now.Add(-age(k)), way)
		if k%19 == 6 {
			l.State = KeaDeclined
		}
		leases = append(leases, l)
	}
	return leases
}

// age is how long ago a client dealt with the server. One in thirteen is past
// half of the lifetime, which by its numbers alone could have run out.
func age(k int) time.Duration {
	if k%13 == 8 {
		return validFor * 7 / 10 * time.Second
	}
	return time.Duration(k%600) * time.Minute
}

// fate lets a lease run out, or makes it endless, or ends it otherwise.
func fate(l *KeaLease, k int, now time.Time) {
	switch {
	case k%97 == 9:
		l.Valid, l.Preferred = KeaForever, KeaForever
	case k%17 == 7: // ran out ten minutes ago, or months ago
		l.CLT = now.Add(-validFor*time.Second - 10*time.Minute)
		if k%2 == 0 {
			l.CLT = now.AddDate(0, -3, 0)
		}
	case k%19 == 5:
		l.State, l.CLT = KeaReclaimed, now.Add(-validFor*time.Second-time.Hour)
	case k%29 == 11:
		l.State, l.Valid, l.Preferred = KeaReleased, 0, 0
	}
}

// lease returns the k-th client's live lease.
func lease(k, link int, prefix netip.Prefix, clt time.Time, way []binding.Relay) KeaLease {
	return KeaLease{
		Prefix:    prefix,
		DUID:      binary.BigEndian.AppendUint32([]byte{0, 3, 0, 1, 2, 0x10}, uint32(k)),
		IAID:      1,
		Subnet:    uint32(link + 1),
		Valid:     validFor,
		Preferred: preferFor,
		CLT:       clt,
		Relays:    way,
	}
}

// linkLocal is the k-th client's link-local address.
func linkLocal(k int) netip.Addr {
	b := netip.MustParseAddr("fe80::").As16()
	binary.BigEndian.PutUint64(b[8:], 0x1_0000_0000+uint64(k))
	return netip.AddrFrom16(b)
}

// relays returns the way of the k-th client's messages, the router first.
func relays(k, link, position int, p *pools) []binding.Relay {
	address, prefix := p.link(link)
	us := binding.Relay{Link: address, Peer: linkLocal(k), RelayID: routerID, InterfaceID: fmt.Appendf(nil, "port %d", k%48)}
	switch position {
	case behindNode:
		us.Peer = netip.MustParseAddr("fe80::a:1")
		return []binding.Relay{us, {
			Link: netip.IPv6Unspecified(), Peer: linkLocal(k), RelayID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0xa, byte(link)},
			InterfaceID: fmt.Appendf(nil, "eth 0/1/%d", k%48), RemoteID: remoteID(k % remoteIDs),
		}}
	case behindRouter:
		// A relay whose sender has a global address leaves the link-address
		// unspecified (RFC 8415, section 19.1.2).
		us.Link, us.Peer, us.InterfaceID = netip.IPv6Unspecified(), below(prefix), nil
		return []binding.Relay{us, {
			Link: inside(prefix), Peer: linkLocal(k), RelayID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0xb, byte(link)},
			RemoteID: remoteID(k % remoteIDs),
		}}
	case atOtherRouter:
		us.RelayID = otherID
		us.RemoteID = append(remoteID(k%remoteIDs), " elsewhere"...)
	default:
		us.RemoteID = remoteID(k % remoteIDs)
	}
	return []binding.Relay{us}
}

// below is the address, on our link, of the router that relays.
func below(link netip.Prefix) netip.Addr { return hostOf(link, 0, 0x99) }

// inside is that router's address on the link of its own clients.
func inside(link netip.Prefix) netip.Addr { return hostOf(link, 0xff, 1) }

// hostOf returns an address in one of the /64s of a link's /48.
func hostOf(link netip.Prefix, subnet uint16, host uint64) netip.Addr {
	b := link.Addr().As16()
	binary.BigEndian.PutUint16(b[6:], subnet)
	binary.BigEndian.PutUint64(b[8:], host)
	return netip.AddrFrom16(b)
}

// nextHop is by which address the router should reach the client: the client's
// own, or that of a router that is between them.
func nextHop(l KeaLease) netip.Addr {
	hop := l.Relays[0]
	for _, next := range l.Relays[1:] {
		if !next.Link.IsUnspecified() {
			break
		}
		hop = next
	}
	return hop.Peer
}
