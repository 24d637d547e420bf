//go:build linux

package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A KeaDataset is what a server knows and what a router should make of it.
type KeaDataset struct {
	Config KeaConfig
	Leases []KeaLease

	// What the router's leases can be asked for by. Each of the three finds
	// all of them: the router's own relay-id, the link-addresses, and the
	// remote-ids (enterprise number and value).
	RelayID   []byte
	Links     []netip.Addr
	RemoteIDs [][]byte

	// Live are the routes that the router should have, sorted.
	Live []Route
	// Stale are delegated prefixes of the router whose lease has run out and
	// which Kea has not reclaimed: it may report them as live (PEERS.md 2,
	// fact 2). No route leads to them.
	Stale []netip.Prefix
}

// prefixLengths are those of the delegated prefixes, two of them inside an
// octet. Every link has a pool for each.
var prefixLengths = []int{48, 56, 60, 62}

// poolBits is the length of a pool: a sixteenth of Delegated, so that a pool
// has 2,048 prefixes of the shortest length.
const poolBits = 37

// KeaLinks is how many access links a dataset uses.
const KeaLinks = 2

// MixedLeases makes a dataset with all that a server's database can hold. The
// clients are on the edge's first two links: directly, behind an access node
// that adds a relay message of its own, and behind a router that relays. Some
// have several prefixes and an address, some leases have run out, or were
// reclaimed, declined or released, some never end. Some clients belong to
// another router. There are somewhat more delegated prefixes than clients.
func (e *Edge) MixedLeases(clients int, now time.Time) KeaDataset {
	return e.dataset(clients, now, mixed)
}

// PlainLeases makes a dataset in which every client has one live /56, is on
// one of the edge's first two links itself and has a next hop of its own.
func (e *Edge) PlainLeases(clients int, now time.Time) KeaDataset {
	return e.dataset(clients, now, plain)
}

// dataset makes the leases of clients, as recipe says.
func (e *Edge) dataset(clients int, now time.Time, recipe func(k int, p *pools, now time.Time) []KeaLease) KeaDataset {
	p := &pools{access: e.Access[:KeaLinks], next: make(map[netip.Prefix]int)}
	d := KeaDataset{RelayID: routerID, Config: KeaConfig{
		Interface:  "core0",
		Address:    ServerAddress,
		Requesters: []netip.Addr{RouterAddress},
	}}
	for i := range KeaLinks + 1 {
		d.Config.Subnets = append(d.Config.Subnets, p.subnet(i))
	}
	for _, a := range p.access {
		d.Links = append(d.Links, a.Address)
	}
	for i := range remoteIDs {
		d.RemoteIDs = append(d.RemoteIDs, remoteID(i))
	}
	for k := range clients {
		d.Leases = append(d.Leases, recipe(k, p, now.Truncate(time.Second))...)
	}
	d.expect(p, now)
	return d
}

// expect fills in Live and Stale.
func (d *KeaDataset) expect(p *pools, now time.Time) {
	for _, l := range d.Leases {
		if l.Prefix.IsSingleIP() || int(l.Subnet) > KeaLinks {
			continue // an address, or another router's
		}
		switch {
		case l.Live(now):
			d.Live = append(d.Live, Route{Prefix: l.Prefix, Gateway: nextHop(l), Dev: p.access[l.Subnet-1].Name})
		case l.State == KeaAssigned:
			d.Stale = append(d.Stale, l.Prefix)
		}
	}
	slices.SortFunc(d.Live, Route.Compare)
	slices.SortFunc(d.Stale, netip.Prefix.Compare)
}

// pools hands out prefixes and addresses. Subnet i+1 is the i-th access link;
// the last one is another router's.
type pools struct {
	access []Access
	next   map[netip.Prefix]int // how many of a pool are taken
}

// link returns the relay's address and the prefix of a link.
func (p *pools) link(i int) (netip.Addr, netip.Prefix) {
	if i < len(p.access) {
		return p.access[i].Address, p.access[i].Subnet
	}
	other := netip.MustParseAddr("2001:db8:7fff::1")
	return other, netip.PrefixFrom(other, 48).Masked()
}

// pool returns the block from which a link delegates prefixes of the length
// prefixLengths[kind].
func (p *pools) pool(link, kind int) netip.Prefix {
	b := Delegated.Addr().As16()
	n := binary.BigEndian.Uint64(b[:])
	n += uint64(link*len(prefixLengths)+kind) << (64 - poolBits)
	binary.BigEndian.PutUint64(b[:], n)
	return netip.PrefixFrom(netip.AddrFrom16(b), poolBits)
}

// subnet returns what Kea is told about a link.
func (p *pools) subnet(i int) KeaSubnet {
	relay, prefix := p.link(i)
	s := KeaSubnet{ID: uint32(i + 1), Prefix: prefix, Relay: relay, Pool: netip.PrefixFrom(relay, 64).Masked()}
	for kind, bits := range prefixLengths {
		s.PDPools = append(s.PDPools, KeaPDPool{Prefix: p.pool(i, kind), Length: bits})
	}
	return s
}

// prefix takes the next prefix of a length out of a link's pool.
func (p *pools) prefix(link, kind int) netip.Prefix {
	pool, bits := p.pool(link, kind), prefixLengths[kind]
	n := p.next[pool]
	p.next[pool]++
	if n>>(bits-poolBits) > 0 {
		panic(fmt.Sprintf("pool %s has no more prefixes of length %d", pool, bits))
	}
	b := pool.Addr().As16()
	binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])+uint64(n)<<(64-bits))
	return netip.PrefixFrom(netip.AddrFrom16(b), bits)
}

// address returns the k-th client's address on a link.
func (p *pools) address(link, k int) netip.Prefix {
	relay, _ := p.link(link)
	b := relay.As16()
	binary.BigEndian.PutUint64(b[8:], 0x1_0000_0000+uint64(k))
	return netip.PrefixFrom(netip.AddrFrom16(b), 128)
}
