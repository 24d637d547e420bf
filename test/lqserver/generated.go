package lqserver

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"
)

// Generated is a Store that makes its bindings up when they are asked for. It
// is immutable, and holds nothing but the plan.
type Generated struct {
	plan     Plan
	segments []netip.Prefix
	stride   int // of the shuffled order, without a factor in common with Clients
}

// Generate returns the bindings of a plan. The error says what is impossible
// in it.
func Generate(p Plan) (*Generated, error) {
	p, err := p.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Generated{plan: p, stride: 1}
	for _, l := range p.Links {
		g.segments = append(g.segments, l.Address.Masked())
	}
	if p.Shuffle {
		g.stride = coprime(p.Clients)
	}
	return g, nil
}

// coprime returns a stride that visits all of n in a wide zigzag.
func coprime(n int) int {
	stride := max(int(float64(n)*0.618), 1)
	for gcd(stride, n) > 1 {
		stride++
	}
	return stride
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Segments implements Store.
func (g *Generated) Segments() []netip.Prefix { return g.segments }

// Pools implements Store.
func (g *Generated) Pools() []netip.Prefix { return []netip.Prefix{g.plan.Block.Masked()} }

// Clients is how many there are.
func (g *Generated) Clients() int { return g.plan.Clients }

// Leases returns all leases of client i: its prefix, its second prefix, its
// address.
func (g *Generated) Leases(i int) []Binding {
	var leases []Binding
	for k := range kinds {
		if g.has(i, k) {
			var b Binding
			g.fill(&b, i, k)
			leases = append(leases, b)
		}
	}
	return leases
}

// The leases that a client may have.
const (
	firstPrefix = iota
	secondPrefix
	address
	kinds
)

// has reports whether client i has a lease of that kind.
func (g *Generated) has(i, kind int) bool {
	switch kind {
	case secondPrefix:
		return g.plan.ExtraEvery > 0 && i%g.plan.ExtraEvery == 0
	case address:
		return g.plan.AddressEvery > 0 && i%g.plan.AddressEvery == 0
	}
	return true
}

// fill makes client i's lease of that kind, in memory that b already has.
func (g *Generated) fill(b *Binding, i, kind int) {
	p := &g.plan
	length := p.Lengths[i%len(p.Lengths)]
	b.Client = appendClient(b.Client[:0], i)
	b.Delegated = kind != address
	b.Withheld = i >= p.Clients-p.Withheld
	switch kind {
	case firstPrefix:
		b.Prefix = p.slot(i, length)
	case secondPrefix:
		b.Prefix = p.slot(p.Clients+i/p.ExtraEvery, length)
	case address:
		b.Prefix = g.address(i)
	}
	b.Preferred, b.Valid = p.Preferred, p.Valid
	b.Last = p.Now.Add(-g.age(i))
	g.fillRelays(b, i)
}

// age is how long before Now client i was heard, whole seconds.
func (g *Generated) age(i int) time.Duration {
	if e := g.plan.ExpiredEvery; e > 0 && i%e == 0 {
		return g.plan.Valid + 10*time.Minute
	}
	const spread = 7919 // a prime: neighbours differ
	return time.Duration(i*spread%max(int(g.plan.Age/time.Second), 1)) * time.Second
}

// appendClient appends client i's DUID-LL (RFC 8415, section 11.4).
func appendClient(b []byte, i int) []byte {
	b = append(b, 0, 3, 0, 1, 0x02, 0xd1)
	return binary.BigEndian.AppendUint32(b, uint32(i))
}

// linkLocal is client i's link-local address: the interface identifier is
// made of its MAC (RFC 4291, appendix A).
func linkLocal(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{
		0xfe, 0x80, 8: 0x00, 9: 0xd1, 10: byte(i >> 24), 11: 0xff, 12: 0xfe, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i),
	})
}

// address is client i's on its link, of length 128.
func (g *Generated) address(i int) netip.Prefix {
	a := g.link(i).Address.Addr().As16()
	local := linkLocal(i).As16()
	copy(a[8:], local[8:])
	return netip.PrefixFrom(netip.AddrFrom16(a), 128)
}

func (g *Generated) link(i int) *Link { return &g.plan.Links[i%len(g.plan.Links)] }

// fillRelays makes the relays of client i's messages.
func (g *Generated) fillRelays(b *Binding, i int) {
	l := g.link(i)
	if b.Relays == nil {
		b.Relays = make([]Relay, 1, 2)
	}
	if g.plan.AccessNode {
		b.Relays = b.Relays[:2]
		b.Relays[0] = Relay{Link: l.Address.Addr(), Peer: accessNode(i % len(g.plan.Links)), RelayID: l.RelayID}
	}
	inner := &b.Relays[len(b.Relays)-1]
	inner.Peer = linkLocal(i)
	inner.InterfaceID = l.InterfaceID
	inner.RemoteID = appendRemoteID(inner.RemoteID[:0], g.plan.Enterprise, i)
	if !g.plan.AccessNode {
		inner.Link, inner.RelayID = l.Address.Addr(), l.RelayID
	}
}

// accessNode is the link-local address of the access node on a link.
func accessNode(link int) netip.Addr {
	return netip.AddrFrom16([16]byte{0xfe, 0x80, 13: 0x0a, 14: byte(link >> 8), 15: byte(link)})
}

// appendRemoteID appends client i's remote-id (RFC 4649, section 3).
func appendRemoteID(b []byte, enterprise uint32, i int) []byte {
	b = binary.BigEndian.AppendUint32(b, enterprise)
	b = append(b, "sub-"...)
	for limit := 10_000_000; limit > i && limit > 1; limit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(i), 10)
}

// RemoteID returns client i's remote-id: enterprise number and text.
func (g *Generated) RemoteID(i int) []byte { return appendRemoteID(nil, g.plan.Enterprise, i) }
