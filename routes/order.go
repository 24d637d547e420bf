package routes

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"leaseroute/binding"
)

// A place is where a change stands in the order in which the kernel gets it.
type place struct {
	high, low uint64 // the prefix's address
	bits      uint8
	index     uint32 // in the changes
}

// order returns the changes' places sorted by prefix, which saves the kernel
// up to half of its time (LIMITS.md 2); changes of one prefix stay in their
// order. The result is appended to out.
func order(out []place, changes []binding.Change) []place {
	sorted := true
	for i := range changes {
		out = append(out, placeOf(changes[i].Key.Prefix, i))
		sorted = sorted && (i == 0 || comparePlaces(out[i-1], out[i]) < 0)
	}
	if !sorted {
		slices.SortFunc(out, comparePlaces)
	}
	return out
}

func placeOf(p netip.Prefix, index int) place {
	a := p.Addr().As16()
	return place{
		high: binary.BigEndian.Uint64(a[:8]), low: binary.BigEndian.Uint64(a[8:]),
		bits: uint8(p.Bits()), index: uint32(index),
	}
}

func comparePlaces(a, b place) int {
	switch {
	case a.high != b.high:
		return cmp.Compare(a.high, b.high)
	case a.low != b.low:
		return cmp.Compare(a.low, b.low)
	case a.bits != b.bits:
		return cmp.Compare(a.bits, b.bits)
	}
	return cmp.Compare(a.index, b.index)
}

// samePrefix reports whether two places are of the same prefix.
func samePrefix(a, b place) bool {
	return a.high == b.high && a.low == b.low && a.bits == b.bits
}

// run returns how many places, at most limit, may share a batch: no prefix
// twice, so that what one change met is settled before the next is written.
func run(places []place, limit int) int {
	n := min(limit, len(places))
	for i := 1; i < n; i++ {
		if samePrefix(places[i-1], places[i]) {
			return i
		}
	}
	return n
}
