//go:build linux

package interop

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

// TestLookupCommand asks Kea through a daemon that knows nothing yet.
func TestLookupCommand(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	d := s.unaware(t, setup{})
	var want []lab.Route
	for _, shape := range []func(lab.KeaLease) bool{func(l lab.KeaLease) bool { return len(l.Relays) == 1 }, behindNode, behindRouter} {
		r := s.unroutedOf(t, want, shape)
		want = withRoute(want, r)
		t.Run("R39 R90 R93 what Kea holds is shown, learnt and routed: via "+r.Gateway.String(), func(t *testing.T) {
			l, stderr, code := lookUp(t, d, r.Prefix.Addr().Next())
			if code != 0 || len(l.Replies) != 1 || l.Replies[0].Said != "held" || len(l.Replies[0].Leases) != 1 {
				t.Fatalf("exit %d: %+v %s", code, l, stderr)
			}
			lease, held := l.Replies[0].Leases[0], s.leaseOf(t, r.Prefix)
			if lease.Prefix != r.Prefix.String() || lease.NextHop != r.Gateway.String() || lease.Interface != r.Dev ||
				strings.ReplaceAll(lease.ClientDUID, ":", "") != fmt.Sprintf("%x", held.DUID) {
				t.Errorf("%+v, want %+v", lease, held)
			}
			if l.Binding == nil || l.Binding.Prefix != r.Prefix.String() || l.Binding.Source != "lookup" {
				t.Errorf("%+v", l.Binding)
			}
			s.exactly(t, want)
		})
	}
	denials := []struct {
		name    string
		address netip.Addr
		said    string
		error   string
	}{
		{"R42 a lease that is over is not held", s.data.Stale[0].Addr(), "nothing", ""},
		{"R42 what was never leased is not held", netip.MustParseAddr("2001:db8:87ff::1"), "nothing", ""},
		{"R44 C46 what is of no pool is none of Kea's business", netip.MustParseAddr("2001:db8:ff00::1"), "NotConfigured", "not in a configured pool"},
	}
	for _, tt := range denials {
		t.Run(tt.name, func(t *testing.T) {
			l, stderr, code := lookUp(t, d, tt.address)
			if code != 0 || l.Binding != nil || len(l.Replies) != 1 {
				t.Fatalf("exit %d: %+v %s", code, l, stderr)
			}
			if r := l.Replies[0]; r.Said != tt.said || len(r.Leases) != 0 || !strings.Contains(r.Error, tt.error) {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("R9 C42 what is outside the allowed blocks is not asked about, and that is said", func(t *testing.T) {
		before := s.datagrams(t)
		_, stderr, code := lookUp(t, d, netip.MustParseAddr("2001:db8:7000::1"))
		if code != 1 || !strings.Contains(stderr, "outside delegation.allowed") || s.datagrams(t) != before {
			t.Errorf("exit %d: %s", code, stderr)
		}
	})
	t.Run("a person reads who said what, and what covers the address now", func(t *testing.T) {
		stdout, stderr, code := d.Run(t, "lookup", want[0].Prefix.Addr().String())
		t.Log("\n" + stdout)
		for _, words := range []string{"kea", "held", want[0].Prefix.String(), want[0].Gateway.String(), ": installed ("} {
			if code != 0 || !strings.Contains(stdout, words) {
				t.Errorf("exit %d, without %q: %s", code, words, stderr)
			}
		}
	})
	s.exactly(t, want)
}

// leaseOf returns Kea's lease of a prefix.
func (s *site) leaseOf(t *testing.T, p netip.Prefix) lab.KeaLease {
	t.Helper()
	for _, l := range s.data.Leases {
		if l.Prefix == p {
			return l
		}
	}
	t.Fatalf("nobody has leased %s", p)
	return lab.KeaLease{}
}

// lookUp runs `leaseroute lookup` and returns what it printed, its errors and
// its exit code.
func lookUp(t *testing.T, d *daemon.Daemon, a netip.Addr) (l control.Lookup, stderr string, code int) {
	t.Helper()
	stdout, stderr, code := d.Run(t, "lookup", "--json", a.String())
	if stdout != "" {
		must(t, json.Unmarshal([]byte(stdout), &l))
	}
	return l, stderr, code
}
