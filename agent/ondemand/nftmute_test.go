package ondemand

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// Mutes are what an obvious model says they are.
func TestMutes(t *testing.T) {
	var l mutes
	model := make(map[mute]time.Time)
	now := time.Unix(1_700_000_000, 0)
	some := func() mute {
		b := netip.MustParseAddr("2001:db8:8000::").As16()
		b[5], b[6] = byte(rand.IntN(8)), byte(rand.IntN(256))
		s := mute{prefix: netip.AddrFrom16(b), source: rand.IntN(2) == 0}
		if s.source {
			s.index = rand.IntN(3)
		}
		return s
	}
	for range 20_000 {
		now = now.Add(time.Duration(rand.IntN(100)) * time.Millisecond)
		if rand.IntN(8) > 0 {
			s, until := some(), now.Add(time.Duration(rand.IntN(60))*time.Second)
			l.put(s, now, until)
			model[s] = until
			continue
		}
		p := netip.PrefixFrom(some().prefix, 48+rand.IntN(9)).Masked()
		var want []mute
		for s, until := range model {
			if p.Contains(s.prefix) {
				delete(model, s)
				if until.After(now) {
					want = append(want, s)
				}
			}
		}
		slices.SortFunc(want, mute.compare)
		if got := l.take(p, now); !slices.Equal(got, want) {
			t.Fatalf("take %s = %v, want %v", p, got, want)
		}
	}
	var want uint64
	for _, until := range model {
		if until.After(now) {
			want++
		}
	}
	if got := l.count(now); got != want {
		t.Errorf("count = %d, want %d", got, want)
	}
	for i := range 10 * minSweep {
		s := some()
		s.index = i
		l.put(s, now, now.Add(time.Millisecond))
		now = now.Add(time.Millisecond)
	}
	if len(l.list) > 3*minSweep {
		t.Errorf("%d are kept of which none lasts", len(l.list))
	}
}

// Counters begin anew with the table, their total doesn't.
func TestTotal(t *testing.T) {
	var total total
	for _, step := range []struct{ now, want uint64 }{{3, 3}, {10, 10}, {2, 12}, {2, 12}, {0, 12}, {1, 13}} {
		if got := total.add(step.now); got != step.want {
			t.Errorf("add(%d) = %d, want %d", step.now, got, step.want)
		}
	}
}
