package agent

import (
	"net/netip"
	"testing"
	"time"
)

func TestRepairsDoNotFight(t *testing.T) {
	p := netip.MustParsePrefix("2001:db8:8000:100::/56")
	now := time.Unix(1_700_000_000, 0)
	var r repairs
	// takenAt lets somebody take the route, and returns how long it is gone.
	takenAt := func(at time.Time) time.Duration {
		r.add(at, p)
		wait := r.due.Sub(at)
		r.made(r.due)
		now = at.Add(wait)
		return wait
	}
	for i, want := range []time.Duration{50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000} {
		if got := takenAt(now.Add(time.Millisecond)); got != want*time.Millisecond {
			t.Errorf("rule 8: taken for the %d. time it is put back after %s, want %d ms", i+1, got, want)
		}
	}
	if got := takenAt(now.Add(3 * time.Minute)); got != firstRepair {
		t.Errorf("rule 8: after a quiet time it is put back after %s, want %s", got, firstRepair)
	}
}

func TestRepairsAreBounded(t *testing.T) {
	var r repairs
	now := time.Unix(1_700_000_000, 0)
	for range maxRepairs + 1 {
		r.add(now, everything)
	}
	if len(r.gone) != maxRepairs || !r.audit {
		t.Errorf("rule 10: %d are listed, an audit is wanted: %t; want %d, true", len(r.gone), r.audit, maxRepairs)
	}
	r.made(now)
	if len(r.gone) != 0 || r.audit || !r.due.IsZero() {
		t.Errorf("a repair that is made leaves %+v", r)
	}
}

func TestRepairsOfCoveringRoutes(t *testing.T) {
	var r repairs
	now := time.Unix(1_700_000_000, 0)
	r.addCover(now)
	if !r.cover || r.due.Sub(now) != firstRepair {
		t.Errorf("rule 8: %+v, want a repair of the covering route after %s", r, firstRepair)
	}
	r.made(r.due)
	if r.addCover(now.Add(firstRepair)); r.due.Sub(now) != 3*firstRepair {
		t.Errorf("rule 8: a covering route that is taken again is put back after %s, want %s", r.due.Sub(now), 3*firstRepair)
	}
}
