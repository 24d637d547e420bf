package routes

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"leaseroute/binding"
)

// randomPrefix returns one of few prefixes, some inside others.
func randomPrefix(r *rand.Rand) netip.Prefix {
	a := netip.MustParseAddr("2001:db8::").As16()
	a[4], a[15] = byte(r.IntN(4)<<6), byte(r.IntN(2))
	p, _ := netip.AddrFrom16(a).Prefix([]int{33, 34, 56, 64, 128}[r.IntN(5)])
	return p
}

func TestOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		changes := make([]binding.Change, r.IntN(60))
		for i := range changes {
			changes[i].Key.Prefix = randomPrefix(r)
		}
		places := order(nil, changes)
		want := make([]uint32, len(changes))
		for i := range want {
			want[i] = uint32(i)
		}
		slices.SortStableFunc(want, func(a, b uint32) int {
			return changes[a].Key.Prefix.Compare(changes[b].Key.Prefix)
		})
		for i, p := range places {
			if p.index != want[i] {
				t.Fatalf("place %d is of change %d, want %d", i, p.index, want[i])
			}
		}
		checkRuns(t, changes, places)
	}
}

// checkRuns holds run against what it promises.
func checkRuns(t *testing.T, changes []binding.Change, places []place) {
	t.Helper()
	const limit = 7
	for left := places; len(left) > 0; {
		n := run(left, limit)
		if n < 1 || n > limit {
			t.Fatalf("a run of %d", n)
		}
		seen := make(map[netip.Prefix]bool)
		for _, p := range left[:n] {
			if prefix := changes[p.index].Key.Prefix; seen[prefix] {
				t.Fatalf("%s twice in one run", prefix)
			} else {
				seen[prefix] = true
			}
		}
		left = left[n:]
	}
}

func TestOverlaps(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		all := make([]netip.Prefix, r.IntN(8))
		for i := range all {
			all[i] = randomPrefix(r)
		}
		p := randomPrefix(r)
		want := slices.ContainsFunc(all, p.Overlaps)
		if got := overlaps(disjoint(slices.Clone(all)), p); got != want {
			t.Fatalf("overlaps(%v, %s) = %t", all, p, got)
		}
	}
}
