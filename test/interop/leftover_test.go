//go:build linux

package interop

import (
	"fmt"
	"net/netip"
	"testing"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

// TestLeftoverRoutes starts leaseroute on a router that has routes of its
// protocol from a time of which nobody knows.
func TestLeftoverRoutes(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	s.guardKea(t)
	s.reboot(t)
	var (
		unleased = netip.MustParsePrefix("2001:db8:87ff::/48") // of a pool, held by nobody
		unknown  = netip.MustParsePrefix("2001:db8:ff00::/48") // allowed, but of no pool: Kea can't tell
		outside  = netip.MustParsePrefix("2001:db8:7000::/48") // not allowed
		odd      = netip.MustParsePrefix("2001:db8:87fe::/47") // of a length that is not allowed
		right    = s.data.Live[:100]                           // as they should be
		wrong    = s.data.Live[100:200]                        // by another next hop
		stale    = s.data.Stale[:50]                           // over, but Kea has not reclaimed them
		hop      = netip.MustParseAddr("fe80::dead")
	)
	var commands []string
	add := func(p netip.Prefix, via netip.Addr, dev string) {
		commands = append(commands, fmt.Sprintf("route add %s via %s dev %s proto %d metric 1024 expires 3600", p, via, dev, daemon.Protocol))
	}
	for _, p := range append([]netip.Prefix{unleased, unknown, outside, odd}, stale...) {
		add(p, hop, "acc0")
	}
	for _, r := range right {
		add(r.Prefix, r.Gateway, r.Dev)
	}
	for _, r := range wrong {
		add(r.Prefix, hop, "acc1")
	}
	must(t, s.Router.IP(t.Context(), commands...))
	s.kernel.reset(t)
	d := s.daemon(t, setup{server: []string{by("link-address"), hurry}})
	d.Start(t)
	d.Recovered(t)
	s.exactly(t, withRoute(s.data.Live, lab.Route{Prefix: unknown, Gateway: hop, Dev: "acc0"}))
	seen := s.kernel.sightings(t)
	removed := count(seen.removed)
	t.Run("R91 R42 C114 what no server claims and one denies is removed", func(t *testing.T) {
		for _, p := range append(stale, unleased) {
			if removed[p] != 1 {
				t.Errorf("%s was removed %d times, want once", p, removed[p])
			}
		}
	})
	t.Run("R37 what is not allowed is removed", func(t *testing.T) {
		if removed[outside] != 1 || removed[odd] != 1 {
			t.Errorf("removed %d and %d times, want once", removed[outside], removed[odd])
		}
	})
	t.Run("R91 what the server can't tell about stays until its expiry", func(t *testing.T) {
		b := d.Bindings(t)[unknown.String()]
		if b.State != "suspect" || b.Source != "kernel" || b.ValidUntil == nil || removed[unknown] != 0 {
			t.Errorf("%+v", b)
		}
	})
	written := count(seen.written)
	t.Run("C114 what is right is not touched, beyond its expiry", func(t *testing.T) {
		for _, r := range right {
			if removed[r.Prefix] != 0 || written[r.Prefix] != 0 {
				t.Errorf("%s was written %d times and removed %d times", r.Prefix, written[r.Prefix], removed[r.Prefix])
			}
		}
	})
	t.Run("C114 R90 a wrong next hop is replaced without a gap", func(t *testing.T) {
		for _, r := range wrong {
			if removed[r.Prefix] != 0 || written[r.Prefix] != 1 {
				t.Errorf("%s was written %d times and removed %d times, want once and never", r.Prefix, written[r.Prefix], removed[r.Prefix])
			}
		}
	})
	logRecovery(t, d.Status(t))
}

// withRoute returns routes with one more, sorted.
func withRoute(routes []lab.Route, r lab.Route) []lab.Route {
	out := append([]lab.Route{r}, routes...)
	sortRoutes(out)
	return out
}

// count counts how often each prefix occurs.
func count(all []netip.Prefix) map[netip.Prefix]int {
	n := make(map[netip.Prefix]int)
	for _, p := range all {
		n[p]++
	}
	return n
}
