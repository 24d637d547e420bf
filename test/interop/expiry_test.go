//go:build linux

package interop

import (
	"net/netip"
	"testing"
	"time"

	"leaseroute/test/lab"
)

// shortly is how long the leases that end during TestRouteGoesWithItsLease
// have left when Kea starts.
const shortly = 20 * time.Second

func TestRouteGoesWithItsLease(t *testing.T) {
	t.Parallel()
	var ends time.Time
	brief := make(map[netip.Prefix]bool)
	s := startSite(t, func(e *lab.Edge) lab.KeaDataset {
		ends = time.Now().Truncate(time.Second).Add(shortly)
		data := plain(60)(e)
		for i := range 20 {
			l := &data.Leases[i]
			l.CLT = ends.Add(-time.Duration(l.Valid) * time.Second)
			brief[l.Prefix] = true
		}
		return data
	})
	d := s.daemon(t, setup{})
	s.kernel.reset(t)
	d.Start(t)
	settled(t, d)
	before := d.Bindings(t)
	t.Run("C109 R73 a route goes when its lease ends, and not before", func(t *testing.T) {
		s.kernel.atLeast(t, 61)
		must(t, s.kernel.until(t.Context(), func() bool { return len(s.kernel.seen.removed) > 0 }))
		if now := time.Now(); now.Before(ends) {
			t.Errorf("a route went %s before its lease ended", ends.Sub(now))
		}
		s.exactly(t, without(s.data.Live, brief))
		removed := count(s.kernel.sightings(t).removed)
		for p := range brief {
			if removed[p] != 1 {
				t.Errorf("%s was removed %d times, want once", p, removed[p])
			}
		}
		if n := d.Status(t).Counters["bindings_expired"]; n != 20 {
			t.Errorf("%d bindings expired, want 20", n)
		}
	})
	t.Run("R60 C77 a lease near its end looks like one that is over, and Kea says that it is not", func(t *testing.T) {
		for p := range brief {
			if b := before[p.String()]; b.State != "installed" || b.Source != "lookup" {
				t.Errorf("%+v", b)
			}
		}
	})
}

// without returns routes without some.
func without(routes []lab.Route, some map[netip.Prefix]bool) []lab.Route {
	var out []lab.Route
	for _, r := range routes {
		if !some[r.Prefix] {
			out = append(out, r)
		}
	}
	return out
}
