package routes

import (
	"net/netip"
	"slices"
)

// disjoint sorts prefixes and drops each that lies inside another: what
// overlaps the inner one overlaps the outer one too. It reuses ps.
func disjoint(ps []netip.Prefix) []netip.Prefix {
	slices.SortFunc(ps, netip.Prefix.Compare)
	kept := ps[:0]
	for _, p := range ps {
		if n := len(kept); n == 0 || !kept[n-1].Overlaps(p) {
			kept = append(kept, p)
		}
	}
	return kept
}

// overlaps reports whether p overlaps one of the prefixes, which are disjoint
// and sorted. Only the neighbours of p's place can.
func overlaps(sorted []netip.Prefix, p netip.Prefix) bool {
	at, found := slices.BinarySearchFunc(sorted, p, netip.Prefix.Compare)
	return found ||
		at < len(sorted) && sorted[at].Overlaps(p) ||
		at > 0 && sorted[at-1].Overlaps(p)
}
