package lqserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A Plan says how to make up any number of bindings. Client i is the same in
// every run: DUID-LL of the MAC 02:d1 and i in four octets, link-local made of
// the same MAC, the i-th prefix of the block, on link i modulo the number of
// links.
type Plan struct {
	// Clients is how many there are, up to 2^32.
	Clients int
	// Block is what prefixes are delegated from.
	Block netip.Prefix
	// Lengths are the lengths of delegated prefixes, client i's is that of
	// index i modulo their number. Each starts where the shortest would. nil: 56.
	Lengths []int
	// Links are where the clients are; at least one.
	Links []Link
	// Enterprise is the enterprise number of remote-ids; their text is
	// "sub-" and i in eight digits or more.
	Enterprise uint32
	// AccessNode puts a lightweight relay agent (RFC 6221) between client and
	// relay: interface-id and remote-id are its, not the relay's, and its
	// link-address is "::".
	AccessNode bool

	// Preferred and Valid are what is granted. 0: 12 h and 24 h.
	Preferred, Valid time.Duration
	// Age spreads the clients' last transactions over so much time before
	// Now. 0: 1 h.
	Age time.Duration
	// Now is when all this is so; zero: when Generate is called.
	Now time.Time

	// ExtraEvery gives each such client a second prefix, AddressEvery an
	// address on its link, whose prefix must then be a /64. ExpiredEvery lets
	// the leases of each such one have run out ten minutes ago. 0: none.
	ExtraEvery, AddressEvery, ExpiredEvery int
	// Withheld is how many clients are left out of bulk answers, the last ones:
	// their leases are told by address and by client-id only.
	Withheld int
	// Shuffle gives answers in an order that looks random.
	Shuffle bool
}

// A Link is a relay's interface towards clients.
type Link struct {
	// Address is the relay's link-address with the length of the link's
	// prefix: 2001:db8:1::1/64.
	Address netip.Prefix
	// RelayID and InterfaceID are what the relay puts in; nil: nothing. With
	// AccessNode the InterfaceID is the access node's.
	RelayID, InterfaceID []byte
}

// withDefaults returns p with what was left out, or says what is impossible.
func (p Plan) withDefaults() (Plan, error) {
	if p.Lengths == nil {
		p.Lengths = []int{56}
	}
	if p.Valid == 0 {
		p.Preferred, p.Valid = 12*time.Hour, 24*time.Hour
	}
	if p.Age == 0 {
		p.Age = time.Hour
	}
	if p.Now.IsZero() {
		p.Now = time.Now()
	}
	return p, p.validate()
}

func (p *Plan) validate() error {
	switch shortest := slices.Min(p.Lengths); {
	case p.Clients < 0 || p.Clients > 1<<32:
		return fmt.Errorf("plan: %d clients, want up to 2^32", p.Clients)
	case p.Withheld < 0 || p.Withheld > p.Clients:
		return fmt.Errorf("plan: %d of %d clients withheld", p.Withheld, p.Clients)
	case len(p.Links) == 0:
		return errors.New("plan: no links")
	case !p.Block.IsValid() || shortest < p.Block.Bits() || shortest > 64:
		return fmt.Errorf("plan: no /%d from block %s: want a length between that and 64", shortest, p.Block)
	case slices.Max(p.Lengths) > 128:
		return fmt.Errorf("plan: prefix length %d", slices.Max(p.Lengths))
	case shortest-p.Block.Bits() < 63 && p.slots() > 1<<(shortest-p.Block.Bits()):
		return fmt.Errorf("plan: %d prefixes of /%d do not fit into %s", p.slots(), shortest, p.Block)
	}
	return nil
}

// slots is how many prefixes there are.
func (p *Plan) slots() int {
	n := p.Clients
	if p.ExtraEvery > 0 {
		n += (p.Clients + p.ExtraEvery - 1) / p.ExtraEvery
	}
	return n
}

// slot returns the i-th prefix of the block, with the given length.
func (p *Plan) slot(i, length int) netip.Prefix {
	a := p.Block.Addr().As16()
	high := binary.BigEndian.Uint64(a[:8]) + uint64(i)<<(64-slices.Min(p.Lengths))
	binary.BigEndian.PutUint64(a[:8], high)
	return netip.PrefixFrom(netip.AddrFrom16(a), length)
}

// slotOf returns the number of the slot that a is in; it may be out of range.
func (p *Plan) slotOf(a netip.Addr) int {
	octets, first := a.As16(), p.Block.Addr().As16()
	high := binary.BigEndian.Uint64(octets[:8]) - binary.BigEndian.Uint64(first[:8])
	return int(high >> (64 - slices.Min(p.Lengths)))
}
