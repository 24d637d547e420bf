//go:build linux

package interop

import (
	"net/netip"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
)

// TestStartWithEverythingInPlaceWritesNothing counts what a start writes to
// the kernel twice: by leaseroute's own word, and by the kernel's.
func TestStartWithEverythingInPlaceWritesNothing(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	s.guardKea(t)
	hold := []string{"doubtful: hold"}
	tests := []struct {
		name  string
		setup setup
	}{
		{"R91 by link-address", setup{server: []string{by("link-address"), hurry}}},
		{"R91 R60 by relay-id, with what is doubtful held back", setup{server: []string{by("relay-id"), hurry}, allow: hold}},
		{"R91 R60 by remote-id, with what is doubtful held back", setup{server: []string{by("remote-id"), hurry}, allow: hold}},
	}
	ends := []struct {
		name string
		do   func(*testing.T, *daemon.Daemon)
	}{
		{"after a kill", func(_ *testing.T, d *daemon.Daemon) { d.Kill() }},
		{"after a stop", func(t *testing.T, d *daemon.Daemon) { d.Stop(t) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := s.recovered(t, tt.setup)
			for _, end := range ends {
				end.do(t, d)
				s.kernel.reset(t)
				d.Start(t)
				got := settled(t, d)
				s.exact(t)
				s.kernel.quiet(t)
				wroteNothing(t, got)
				logRecovery(t, got)
			}
		})
	}
	// Kea reports by relay-id what is over, and a fresh start can't know it:
	// by default such a route is installed and taken out when Kea denies it.
	t.Run("R91 R60 by relay-id, only what is stale comes and goes", func(t *testing.T) {
		d := s.recovered(t, setup{server: []string{by("relay-id"), hurry}})
		d.Kill()
		s.kernel.reset(t)
		d.Start(t)
		got := settled(t, d)
		s.exact(t)
		seen, live := s.kernel.sightings(t), s.live()
		for _, p := range append(seen.written, seen.removed...) {
			if live[p] {
				t.Errorf("the route to the live prefix %s was written", p)
			}
		}
		if n := got.Counters["route_messages"]; len(seen.written) != len(seen.removed) || n != uint64(2*len(seen.written)) {
			t.Errorf("%d route messages, and the kernel told of %d + %d", n, len(seen.written), len(seen.removed))
		}
		logRecovery(t, got)
	})
}

// wroteNothing checks leaseroute's own count since its start.
func wroteNothing(t *testing.T, s control.Status) {
	t.Helper()
	for _, name := range []string{"route_messages", "routes_installed", "routes_replaced", "routes_refreshed", "routes_deleted"} {
		if n := s.Counters[name]; n != 0 {
			t.Errorf("%s = %d, want none", name, n)
		}
	}
}

// TestResync asks again with leaseroute's command.
func TestResync(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	d := s.recovered(t, setup{server: []string{hurry}})
	t.Run("R60 a resync that finds nothing new writes nothing", func(t *testing.T) {
		before := d.Status(t)
		s.kernel.reset(t)
		s.resyncAndWait(t, d)
		d.Wait(t, "the second round", rounded(2))
		s.kernel.quiet(t)
		after := d.Status(t)
		if a, b := after.Counters["route_messages"], before.Counters["route_messages"]; a != b {
			t.Errorf("%d route messages were written", a-b)
		}
		t.Logf("%d bindings received again, %d suspects asked about", after.Servers[0].BindingsReceived,
			after.Servers[0].Counters["suspects_asked"]-before.Servers[0].Counters["suspects_asked"])
	})
	t.Run("C77 C91 R42 a resync follows what changed at the server", func(t *testing.T) {
		moved, gone := s.changeLeases(t)
		s.kernel.reset(t)
		s.resyncAndWait(t, d)
		d.Wait(t, "the third round", rounded(3))
		s.exact(t)
		seen := s.kernel.sightings(t)
		if p := seen.withdrawn(s.live()); len(p) > 0 {
			t.Errorf("%d routes to live prefixes were withdrawn: %v", len(p), few(p))
		}
		if n := len(seen.withdrawn(gone)); n != len(gone) {
			t.Errorf("%d of %d ended leases lost their routes", n, len(gone))
		}
		t.Logf("%d leases moved, %d ended: %d routes written, %d removed", moved, len(gone), len(seen.written), len(seen.removed))
	})
}

// resyncAndWait runs `leaseroute resync --wait`.
func (s *site) resyncAndWait(t *testing.T, d *daemon.Daemon) {
	t.Helper()
	stdout, stderr, code := d.Run(t, "resync", "--wait")
	t.Logf("resync --wait: exit %d\n%s%s", code, stdout, stderr)
	if code != 0 {
		t.Error("resync --wait failed")
	}
}

// changeLeases restarts Kea with other leases: of each ten live prefixes one is
// held no longer, and one by a client that has moved to the other next hop.
func (s *site) changeLeases(t *testing.T) (moved int, gone map[netip.Prefix]bool) {
	t.Helper()
	must(t, s.kea.Stop(t.Context()))
	live := s.data.Live
	s.data.Live, gone = nil, make(map[netip.Prefix]bool)
	hop := make(map[netip.Prefix]netip.Addr)
	for i, r := range live {
		switch i % 10 {
		case 3:
			gone[r.Prefix] = true
			continue
		case 7:
			r.Gateway = netip.MustParseAddr("fe80::7:7")
			hop[r.Prefix] = r.Gateway
		}
		s.data.Live = append(s.data.Live, r)
	}
	must(t, s.kea.WriteLeases(renewed(s.data.Leases, gone, hop)))
	s.startKea(t)
	return len(hop), gone
}
