//go:build linux

package interop

import (
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// TestKeaBecomesRoutes boots a router that has lost everything, again and
// again, with another way to ask each time.
func TestKeaBecomesRoutes(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	s.guardKea(t)
	checkDataset(t, s.data)
	tests := []struct {
		name  string
		setup setup
		stale bool // Kea reports leases that are over as live
	}{
		{"C58 C75 C112 R60 R90 by relay-id", setup{server: []string{by("relay-id")}}, true},
		{"C58 C75 C112 R8 R90 by link-address", setup{server: []string{by("link-address")}}, false},
		{"C58 C75 C112 R60 R90 by remote-id", setup{server: []string{by("remote-id"), hurry}}, true},
		{"R92 by all of them", setup{server: []string{"query_all: true", hurry}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.reboot(t)
			d := s.daemon(t, tt.setup)
			s.kernel.reset(t)
			d.Start(t)
			got := settled(t, d)
			s.exact(t)
			logRecovery(t, got)
			if p := s.kernel.sightings(t).withdrawn(s.live()); len(p) > 0 {
				t.Errorf("%d routes to live prefixes were withdrawn: %v", len(p), p)
			}
			c := got.Servers[0].Counters
			if tt.stale != (c["suspects_denied"] > 0) || tt.stale && c["suspects_denied"] < 100 {
				t.Errorf("Kea denied %d leases that it had reported, want 100 or more: %t", c["suspects_denied"], tt.stale)
			}
			if c["suspects_no_answer"] != 0 || c["broken_answers"] != 0 && s.crashes.Load() == 0 {
				t.Errorf("counters %v", c)
			}
		})
	}
}

// checkDataset makes sure that the dataset is worth the test.
func checkDataset(t *testing.T, data lab.KeaDataset) {
	t.Helper()
	lengths, links := make(map[int]int), make(map[string]int)
	for _, r := range data.Live {
		lengths[r.Prefix.Bits()]++
		links[r.Dev]++
	}
	states := make(map[lab.KeaState]int)
	for _, l := range data.Leases {
		states[l.State]++
	}
	t.Logf("%d leases, %d live prefixes (%v by length, %v by link), %d stale; states %v",
		len(data.Leases), len(data.Live), lengths, links, len(data.Stale), states)
	if len(data.Live) < 2000 || len(lengths) != 4 || len(links) != 2 || len(data.Stale) < 100 || len(states) != 4 {
		t.Fatal("that is not the dataset that this test is about")
	}
}

// logRecovery prints the figures of a recovery.
func logRecovery(t *testing.T, s control.Status) {
	t.Helper()
	c := s.Servers[0].Counters
	t.Logf("recovered after %.3f s: %d bindings received, %d routes, states %v; asked about %d suspects: %d held, %d denied; %d route messages",
		*s.RecoveredAfterSeconds, s.Servers[0].BindingsReceived, s.RoutesInstalled, s.ByState,
		c["suspects_asked"], c["suspects_held"], c["suspects_denied"], s.Counters["route_messages"])
}
