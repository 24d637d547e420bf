//go:build linux

package e2e

import (
	"strings"
	"testing"

	"leaseroute/test/lqserver"
)

// TestExplain asks about what is held, what is covered, and what nobody knows.
func TestExplain(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	s.serve(t, 547, s.list(s.lease(1, "2001:db8:8000:100::/56", 0)), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	for _, asked := range []string{
		"2001:db8:8000:100::/56", "2001:db8:8000:100::1/56", // host bits are no matter
		"2001:db8:8000:1ab::77", "2001:db8:8000:1ab::/64", // by what covers it
	} {
		s.explains(t, asked,
			"2001:db8:8000:100::/56: installed (first word about this lease)\n",
			"  client 00:03:00:01:02:00:00:00:01:01 via fe80::101 dev acc0\n",
			"  valid for 23h", "; last word from dhcp1 (bulk), client last heard 10m",
			"  bulk from dhcp1 (on acc0): first word about this lease [R70]; client 00:03:00:01:02:00:00:00:01:01 won\n",
			"  kernel: 2001:db8:8000:100::/56 via fe80::101 dev acc0 proto 158 metric 1024 expires 2")
	}
	for _, asked := range []string{"2001:db8:8000:9900::/56", "2001:db8:8000:9900::1", "2001:db8:8000::/40"} {
		s.explains(t, asked, asked+": nothing is known\n", "kernel: ", "no server has reported a lease here", "leaseroute resync --wait")
	}
	s.explains(t, "2001:db8:1::/56", "2001:db8:1::/56: nothing is known\n", "outside delegation.allowed: add its block there")
	if e := s.story(t, "2001:db8:8000:9900::/56"); e.Prefix != "" || e.Binding != nil || len(e.Events) != 0 || e.Advice == "" {
		t.Errorf("of an unknown prefix: %+v", e)
	}
	for _, asked := range []string{"acc0", "2001:db8::/129", "2001:db8:8000"} {
		stdout, stderr, code := s.Run(t, "explain", asked)
		if code != 2 || stdout != "" || !strings.Contains(stderr, "is neither a prefix (2001:db8:8000::/56) nor an address") {
			t.Errorf("explain %s: exit %d, %q, %q", asked, code, stdout, stderr)
		}
	}
	s.Stop(t)
}

// TestStatusSpeaksUp shows what deserves attention, and nothing of the rest.
func TestStatusSpeaksUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	s.serve(t, 547, s.list(
		s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:7000:100::/56", 0), s.lease(3, "2001:db8:8010::/47", 0),
	), lqserver.Options{Faults: lqserver.Faults{Duplicate: true, RelayData: lqserver.Missing, Every: 3}})
	s.Start(t)
	s.settled(t)
	stdout, _, _ := s.Run(t, "status")
	for _, want := range []string{
		"bindings  3: 1 installed, 2 refused\n",
		"BINDINGS  WITHOUT A ROUTE, BECAUSE\n",
		"1         length outside delegation.lengths\n", "1         outside delegation.allowed\n",
		"COUNT  WORTH A LOOK   WHICH ARE\n", "no_relay_data  leases that came without relay data\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("status does not say %q, but\n%s", want, stdout)
		}
	}
	for _, ordinary := range []string{"observations_", "route_messages", "queries", "malformed"} {
		if strings.Contains(stdout, ordinary) {
			t.Errorf("status goes on about %s:\n%s", ordinary, stdout)
		}
	}
	s.Stop(t)
}
