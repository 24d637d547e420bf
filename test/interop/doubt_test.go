//go:build linux

package interop

import (
	"net/netip"
	"net/url"
	"slices"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

// blind keeps leaseroute from seeing what passes on the wire.
const blind = "glean: { enabled: false }"

// TestEndIsNear has leases renewed that leaseroute does not hear of: it asks
// before their end.
func TestEndIsNear(t *testing.T) {
	t.Parallel()
	ways := []struct {
		name  string
		setup setup
		learn func(*testing.T, *daemon.Daemon, []lab.Route) // before the leases are renewed
	}{
		{"over TCP", setup{port: keaPort, extra: []string{blind}}, func(t *testing.T, d *daemon.Daemon, _ []lab.Route) {
			settled(t, d)
		}},
		{"over UDP", setup{port: keaPort, server: []string{"bulk: false"}, extra: []string{blind}}, func(t *testing.T, d *daemon.Daemon, leases []lab.Route) {
			d.Recovered(t)
			for _, r := range leases {
				var l control.Lookup
				must(t, d.Client().Post(t.Context(), "/v1/lookup", url.Values{"address": {r.Prefix.Addr().String()}}, &l))
			}
		}},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			var ends time.Time
			s := startSite(t, func(e *lab.Edge) lab.KeaDataset {
				data := plain(6)(e)
				now := time.Now().Truncate(time.Second)
				ends = now.Add(shortly)
				for i := range data.Leases {
					l := &data.Leases[i]
					l.CLT, l.Valid, l.Preferred = now, uint32(shortly.Seconds()), uint32(shortly.Seconds())
				}
				return data
			})
			d := s.daemon(t, way.setup)
			d.Start(t)
			way.learn(t, d, s.data.Live)
			s.exact(t)
			s.kernel.reset(t)
			renewed, over := s.renewHalf(t)
			t.Run("C109 R73 what was not renewed goes at its end, and not before", func(t *testing.T) {
				must(t, s.kernel.until(t.Context(), func() bool { return len(s.kernel.seen.removed) > 0 }))
				if now := time.Now(); now.Before(ends) {
					t.Errorf("a route went %s before its lease ended", ends.Sub(now))
				}
				s.exactly(t, without(s.data.Live, over))
			})
			t.Run("R39 R73 what was renewed unseen stays, and its route gets the new end", func(t *testing.T) {
				if p := s.kernel.sightings(t).withdrawn(renewed); len(p) > 0 {
					t.Errorf("routes to live prefixes were withdrawn: %v", p)
				}
				for p := range renewed {
					b := d.Bindings(t)[p.String()]
					if b.Source != "lookup" || b.State != "installed" || b.ValidUntil == nil || b.ValidUntil.Before(ends.Add(23*time.Hour)) {
						t.Errorf("%+v", b)
					}
					explained(t, d, p, "close to its end, and no renewal was seen", "expires 24h")
				}
				for p := range over {
					explained(t, d, p, "close to its end, and no renewal was seen", "valid lifetime has run out [R73]")
				}
			})
			if n := d.Status(t).Counters["suspects_asked"]; n < 6 {
				t.Errorf("Kea was asked %d questions about 6 leases", n)
			}
		})
	}
}

// renewHalf restarts Kea with every other lease renewed for a day.
func (s *site) renewHalf(t *testing.T) (renewed, over map[netip.Prefix]bool) {
	t.Helper()
	must(t, s.kea.Stop(t.Context()))
	renewed, over = make(map[netip.Prefix]bool), make(map[netip.Prefix]bool)
	for i := range s.data.Leases {
		l := &s.data.Leases[i]
		if i%2 == 0 {
			over[l.Prefix] = true
			continue
		}
		renewed[l.Prefix] = true
		l.CLT, l.Valid, l.Preferred = time.Now().Truncate(time.Second), 86_400, 43_200
	}
	must(t, s.kea.WriteLeases(s.data.Leases))
	s.startKea(t)
	return renewed, over
}

// TestUnresolvedIsAskedAbout has Kea learn only later where two clients are.
func TestUnresolvedIsAskedAbout(t *testing.T) {
	t.Parallel()
	var all []lab.KeaLease // as they will be
	nowhere := make(map[netip.Prefix]bool)
	s := startSite(t, func(e *lab.Edge) lab.KeaDataset {
		data := plain(20)(e)
		all = slices.Clone(data.Leases)
		for i := range 2 {
			data.Leases[i].Relays = nil
			nowhere[data.Leases[i].Prefix] = true
		}
		return data
	})
	// One question is asked at once, the next some seconds later.
	d := s.daemon(t, setup{port: keaPort, server: []string{by("link-address"), "suspect_rate: 0.2"}, extra: []string{blind}})
	d.Start(t)
	d.Recovered(t)
	s.exactly(t, without(s.data.Live, nowhere))
	must(t, s.kea.Stop(t.Context()))
	must(t, s.kea.WriteLeases(all))
	s.startKea(t)
	t.Run("C113 R90 Kea is asked where a client is, and the answer makes a route", func(t *testing.T) {
		d.Wait(t, "the answer", func(now control.Status) bool { return now.ByState["unresolved"] == 1 })
	})
	t.Run("R39 R90 R93 if it could not tell, it is asked again when the client sends something", func(t *testing.T) {
		for p := range nowhere {
			if b := d.Bindings(t)[p.String()]; b.State == "unresolved" {
				r, _ := s.routeTo(s.leaseOf(t, p))
				s.subscriberSends(t, r)
			}
		}
		s.exact(t)
	})
	for p := range nowhere {
		if b := d.Bindings(t)[p.String()]; b.Source != "lookup" || b.State != "installed" {
			t.Errorf("%+v", b)
		}
	}
}
