package binding

import (
	"net/netip"
)

// A packedKey is a Key without pointers. An IPv4 address is mapped into IPv6;
// the form tells them apart.
type packedKey struct {
	addr [16]byte
	bits uint8 // of the family's own address
	form uint8 // the kind, and formV4
}

const formV4 = 1 << 7

func pack(k Key) packedKey {
	p := packedKey{addr: k.Prefix.Addr().As16(), bits: uint8(k.Prefix.Bits()), form: uint8(k.Kind)}
	if k.Prefix.Addr().Is4() {
		p.form |= formV4
	}
	return p
}

func (p packedKey) kind() Kind { return Kind(p.form &^ formV4) }

func (p packedKey) prefix() netip.Prefix {
	return netip.PrefixFrom(unmap(p.addr, p.form&formV4 != 0), int(p.bits))
}

func (p packedKey) key() Key { return Key{Kind: p.kind(), Prefix: p.prefix()} }

func unmap(addr [16]byte, v4 bool) netip.Addr {
	a := netip.AddrFrom16(addr)
	if v4 {
		return a.Unmap()
	}
	return a
}

// A hop is a next hop; zero if there is none. IPv4 is mapped into IPv6.
type hop [16]byte

func packHop(a netip.Addr) hop {
	if !a.IsValid() {
		return hop{}
	}
	return a.As16()
}

func (h hop) addr() netip.Addr {
	if h == (hop{}) {
		return netip.Addr{}
	}
	return netip.AddrFrom16(h).Unmap()
}

// A record is what the table knows of one lease, and what it believes of the
// lease's route. It has no pointers, and its size is a promise (LIMITS.md 3).
type record struct {
	clt, received, valid instant

	hop hop
	key packedKey

	version  uint16 // of the last change; goes on when the slot is used again
	round    uint16 // of its server, when the server last mentioned the lease
	identity uint16 // the server's DUID; 0 if unknown
	flags    flags

	server  uint8
	source  Source
	state   State // 0: the slot is free
	verdict Reason
	refusal Reason // why there is no route
	doubt   Reason

	client    uint32 // 0: an adopted route that nobody claims
	port      Interface
	preferred second // see setLifetimes
	expiry    second // the ValidUntil that the kernel's expiry was made from

	byClient, byPort links
}

// flags are the record's small facts.
type flags uint16

const (
	mayExist   flags = 1 << iota // the kernel may hold a route of ours
	exists                       // it does, as far as we were told; implies mayExist
	pending                      // a change was handed out and is not answered
	refreshing                   // that change is a Refresh
	repeated                     // that change is an Install over a route that may still be there
	stale                        // the kernel's next hop is not the record's
	lost                         // the route went while a change was pending
	postponed                    // in Table.postponed
	seen                         // in the dump of our routes that is under way
	seated                       // counts towards the limits
	waiting                      // on its port's waiting list
	asked                        // in doubt, and the question was not yet handed out
	confirmed                    // a lookup confirmed this exchange
	borrowed                     // the next hop is the client's address
	inherited                    // the next hop is what the kernel had at start
	checked                      // was asked about because its end is near
)

func (r *record) has(f flags) bool { return r.flags&f != 0 }
func (r *record) set(f flags)      { r.flags |= f }
func (r *record) unset(f flags)    { r.flags &^= f }

func (r *record) adopted() bool   { return r.source == FromKernel }
func (r *record) isAddress() bool { return r.key.kind() == Address }

// An extra holds what few records have; its slab lies beside the records'.
type extra struct {
	sequence sequence
	iaid     uint32
	hasIAID  bool
	exchange Exchange // of the statement that the record stands on
}

// extras finds the extra of a record: nil, and no memory, for a whole chunk
// that has none.
type extras []*[chunkLen]extra

func (x extras) get(ref uint32) extra {
	if i := int(ref >> chunkBits); i < len(x) && x[i] != nil {
		return x[i][ref%chunkLen]
	}
	return extra{}
}

func (x *extras) put(ref uint32, e extra) {
	i := int(ref >> chunkBits)
	for i >= len(*x) {
		if e == (extra{}) {
			return
		}
		*x = append(*x, nil)
	}
	if (*x)[i] == nil {
		if e == (extra{}) {
			return
		}
		(*x)[i] = new([chunkLen]extra)
	}
	(*x)[i][ref%chunkLen] = e
}
