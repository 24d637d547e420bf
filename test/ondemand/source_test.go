//go:build linux

package ondemand

import (
	"strings"
	"testing"

	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// TestUnknownSource (R93 R94) has a subscriber speak whose lease the bulk
// answer withheld.
func TestUnknownSource(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	h := s.host(t, 1, 0)
	known := s.lease(2, 1)
	dhcp := s.serve(t, 547, s.list(withheld(h.lease), known), lqserver.Options{})
	s.armed(t)
	s.exact(t, known)
	t.Run("R93 R11 its first packet costs one question, and the next ones are answered", func(t *testing.T) {
		t.Logf("%d pings until one was answered", h.pings(t, s.ctx))
		s.exact(t, known, h.lease)
		st := s.landed(t)
		if n := dhcp.Stats().UDP.Transactions; n != 1 {
			t.Errorf("the server was asked %d times, want once; %s", n, brief(st))
		}
		s.exactly(t, map[string]uint64{"on_demand_lookups": 1, "on_demand_found": 1, "on_demand_detector_src_asked": 1, "observations_lookup": 1, "lookups": 1})
	})
	t.Run("R93 explain says which question taught it", func(t *testing.T) {
		s.explains(t, h.lease.Prefix.String(), "lookup from dhcp1 (on acc0): first word about this lease [R70]")
		if b := s.Bindings(t)[h.lease.Prefix.String()]; b.Source != "lookup" || b.Server != "dhcp1" || b.State != "installed" {
			t.Errorf("the binding is %+v", b)
		}
	})
	t.Run("R93 the core reaches it", func(t *testing.T) {
		_, err := s.Server.Ping(s.ctx, h.address)
		must(t, err)
	})
	t.Run("R10 what is known is not asked about again", func(t *testing.T) {
		for range 20 {
			_, err := h.Ping(s.ctx, lab.ServerAddress)
			must(t, err)
		}
		if n := dhcp.Stats().UDP.Transactions; n != 1 {
			t.Errorf("the server was asked %d times, want once", n)
		}
	})
	t.Run("R60 a bulk answer that withholds it again ends nothing", func(t *testing.T) {
		s.resync(t)
		s.Settled(t)
		s.exact(t, known, h.lease)
	})
	s.Stop(t)
}

// explains fails the test unless explain says all of want.
func (s *site) explains(t *testing.T, prefix string, want ...string) {
	t.Helper()
	stdout, stderr, code := s.Run(t, "explain", prefix)
	if code != 0 || stderr != "" {
		t.Fatalf("explain %s: exit %d: %s", prefix, code, stderr)
	}
	for _, w := range want {
		if !strings.Contains(stdout, w) {
			t.Errorf("explain %s does not say %q, but\n%s", prefix, w, stdout)
		}
	}
}
