//go:build linux

package interop

import (
	"bytes"
	"net/netip"
	"os"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

// overUDP is what a server is told about that may only be asked over UDP, as
// fast as it answers.
var overUDP = setup{port: keaPort, server: []string{"bulk: false", hurry}, extra: []string{"on_demand: { rate: 100000 }"}}

// endings are how a daemon ends of which the next one finds the routes.
var endings = []struct {
	name string
	do   func(*testing.T, *site, *daemon.Daemon)
}{
	{"after a kill that left no state file", func(t *testing.T, s *site, d *daemon.Daemon) {
		d.Kill()
		must(t, os.RemoveAll(s.Path("state")))
	}},
	{"after a stop that left a state file", func(t *testing.T, _ *site, d *daemon.Daemon) { d.Stop(t) }},
}

// TestStaleLeasesAreSettledOverUDP has Kea report in bulk leases that are over
// as if they were held (PEERS.md 2, fact 2), and the daemon end before it has
// asked about them. The next one has no bulk: it asks about each route that it
// finds.
func TestStaleLeasesAreSettledOverUDP(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	for _, end := range endings {
		t.Run("R42 R60 R91 R131 "+end.name, func(t *testing.T) {
			s.reboot(t)
			d := s.daemon(t, setup{port: keaPort, server: []string{by("relay-id"), "suspect_rate: 0.1"}})
			d.Start(t)
			d.Recovered(t)
			if stale := s.staleRoutes(t); stale < 100 {
				t.Fatalf("%d routes to prefixes whose lease is over, want 100 or more", stale)
			}
			end.do(t, s, d)
			s.kernel.reset(t)
			d.Configure(t, overUDP.yaml(s.data))
			d.Start(t)
			got := d.Wait(t, "the answers to all questions", questioned)
			s.exact(t)
			logRecovery(t, got)
			if p := s.kernel.sightings(t).withdrawn(s.live()); len(p) > 0 {
				t.Errorf("%d routes to live prefixes were withdrawn: %v", len(p), few(p))
			}
			if c := got.Servers[0].Counters; c["connects"] != 0 || c["suspects_denied"] < 100 {
				t.Errorf("counters %v", c)
			}
		})
	}
}

// TestRebootWithoutBulk has nothing but the state file to make routes of. Who
// waits for the recovery announces what is reached through the router.
func TestRebootWithoutBulk(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	d := s.recovered(t, setup{server: []string{by("link-address"), hurry}})
	d.Stop(t)
	must(t, s.Reboot(t.Context()))
	d.Configure(t, overUDP.yaml(s.data))
	d.Start(t)
	t.Run("R131 S-1 it has recovered once the state file's routes are in", func(t *testing.T) {
		if got := d.Recovered(t); got.RoutesInstalled != len(s.data.Live) {
			t.Errorf("%d routes, want %d", got.RoutesInstalled, len(s.data.Live))
		}
		s.exact(t)
	})
}

// TestChangesOfTheMeantimeAreSettledOverUDP has leases end, move and change
// hands while no daemon runs. The next one has no bulk.
func TestChangesOfTheMeantimeAreSettledOverUDP(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	for _, end := range endings {
		t.Run("R42 R77 R91 R131 "+end.name, func(t *testing.T) {
			d := s.recovered(t, setup{server: []string{by("link-address"), hurry}})
			end.do(t, s, d)
			gone := s.turnOver(t)
			s.kernel.reset(t)
			d.Configure(t, overUDP.yaml(s.data))
			d.Start(t)
			got := d.Wait(t, "the answers to all questions", questioned)
			s.exact(t)
			logRecovery(t, got)
			seen := s.kernel.sightings(t)
			if p := seen.withdrawn(s.live()); len(p) > 0 {
				t.Errorf("%d routes to live prefixes were withdrawn: %v", len(p), few(p))
			}
			if n := len(seen.withdrawn(gone)); n != len(gone) {
				t.Errorf("%d of %d ended leases lost their routes", n, len(gone))
			}
			if c := got.Servers[0].Counters; c["connects"] != 0 {
				t.Errorf("counters %v", c)
			}
		})
	}
}

// questioned reports whether a server was asked about all that there was to
// ask, and its answers have reached the kernel. Not all of it was in doubt: what
// the state file knows is not.
func questioned(s control.Status) bool {
	kea := s.Servers[0]
	return isSettled(s) && kea.Counters["suspects_asked"] > 0 && kea.Query == "" && s.ChangesPending == 0
}

// turnOver restarts Kea with other leases, and returns the prefixes that are
// held no longer. Of each ten live ones, one is deleted, one has run out, one
// has another next hop, and one another client.
func (s *site) turnOver(t *testing.T) (gone map[netip.Prefix]bool) {
	t.Helper()
	must(t, s.kea.Stop(t.Context()))
	live := s.data.Live
	s.data.Live, gone = nil, make(map[netip.Prefix]bool)
	deleted, over, heir := make(map[netip.Prefix]bool), make(map[netip.Prefix]bool), make(map[netip.Prefix]bool)
	hop := make(map[netip.Prefix]netip.Addr)
	for i, r := range live {
		switch i % 10 {
		case 3:
			gone[r.Prefix], deleted[r.Prefix] = true, true
			continue
		case 5:
			gone[r.Prefix], over[r.Prefix] = true, true
			continue
		case 7, 9:
			r.Gateway = netip.MustParseAddr("fe80::7:7")
			hop[r.Prefix] = r.Gateway
			heir[r.Prefix] = i%10 == 9
		}
		s.data.Live = append(s.data.Live, r)
	}
	leases := renewed(s.data.Leases, deleted, hop)
	for i := range leases {
		switch l := &leases[i]; {
		case over[l.Prefix]:
			l.Valid, l.CLT = 3600, time.Now().Truncate(time.Second).Add(-2*time.Hour)
		case heir[l.Prefix]:
			l.DUID = bytes.Repeat([]byte{0x99}, len(l.DUID))
			l.DUID = append(l.DUID[:4], byte(i>>8), byte(i))
		}
	}
	s.data.Leases = leases
	must(t, s.kea.WriteLeases(leases))
	s.startKea(t)
	return gone
}

// staleRoutes counts the routes to prefixes whose lease is over.
func (s *site) staleRoutes(t *testing.T) (n int) {
	t.Helper()
	routes, err := s.Router.Routes(daemon.Protocol)
	must(t, err)
	have := make(map[netip.Prefix]lab.Route)
	for _, r := range routes {
		have[r.Prefix] = r
	}
	for _, p := range s.data.Stale {
		if _, there := have[p]; there {
			n++
		}
	}
	return n
}
