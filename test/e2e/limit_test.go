//go:build linux

package e2e

import (
	"net/netip"
	"testing"

	"leaseroute/test/lqserver"
)

// TestLimits holds a client and a port to their numbers of prefixes (RFC 8987,
// G-4 to G-7), and gives what comes free to who waited.
func TestLimits(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(),
		`delegation: { allowed: ["2001:db8:8000::/33"], max_prefixes_per_client: 2, max_prefixes_per_port: 3 }`))
	one := []lqserver.Binding{s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(1, "2001:db8:8000:200::/56", 0), s.lease(1, "2001:db8:8000:300::/56", 0)}
	elsewhere := s.lease(1, "2001:db8:8000:400::/56", 1)
	others := []lqserver.Binding{s.lease(2, "2001:db8:8000:500::/56", 0), s.lease(3, "2001:db8:8000:600::/56", 0)}
	list := s.list(one...)
	list.Set(elsewhere)
	list.Set(others...)
	s.serve(t, 547, list, lqserver.Options{Manner: lqserver.Kea()}) // in the order of the list
	s.Start(t)
	s.settled(t)

	s.holds(t, s.fibOf(one[0], one[1], elsewhere, others[0]))
	s.refuses(t, "C123 the third prefix of a client at one port", one[2].Prefix, "client has its maximum of prefixes")
	s.refuses(t, "C124 the fourth prefix at a port", others[1].Prefix, "interface has its maximum of prefixes")
	if b := s.Bindings(t)[elsewhere.Prefix.String()]; b.State != "installed" {
		t.Errorf("C125 the same client at another port: %s, want installed", b.State)
	}

	list.Remove(one[0].Prefix)
	s.resync(t)
	s.settled(t) // the server has denied it by now
	s.holds(t, s.fibOf(one[1], elsewhere, others[0], s.chosenByTheTable(t, one[2], others[1])))
	s.Stop(t)
}

// chosenByTheTable is the one of two leases which got the slot that both
// waited for.
func (s *site) chosenByTheTable(t *testing.T, a, b lqserver.Binding) lqserver.Binding {
	t.Helper()
	if s.Bindings(t)[a.Prefix.String()].State == "installed" {
		return a
	}
	return b
}

// refuses fails the test unless a lease has no route for that reason.
func (s *site) refuses(t *testing.T, what string, p netip.Prefix, reason string) {
	t.Helper()
	if b := s.Bindings(t)[p.String()]; b.State != "refused" || b.Reason != reason {
		t.Errorf("%s: %s (%s), want refused (%s)", what, b.State, b.Reason, reason)
	}
}
