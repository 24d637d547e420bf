//go:build linux

package glean

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"leaseroute/test/lab"
)

// hasty makes leases that run out within a test. Their client is dead by then.
func hasty(s *lab.Service) {
	s.Lifetimes = lab.Lifetimes{Preferred: 5 * time.Second, Valid: 6 * time.Second, Renew: 4 * time.Second, Rebind: 5 * time.Second}
}

func TestExpiry(t *testing.T) {
	config := []string{"routes: { fail_safe_margin: 1s }"}
	eachServer(t, setup{serve: hasty, config: config}, func(t *testing.T, s *site) {
		t.Run("R73 C109 a client dies, its lease runs out, and another's stays", func(t *testing.T) {
			_, dies, got := s.bound(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
			_, _, _ = s.bound(t, s.Access[1], 2, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
			dies.Kill()
			s.gone(t, got[0])
			s.exact(t)
			s.explained(t, got[0], "valid lifetime has run out [R73]")
		})
		t.Run("R73 the kernel forgets alone when leaseroute is dead too", func(t *testing.T) {
			_, dies, got := s.bound(t, s.Access[0], 3, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
			s.Kill()
			dies.Kill()
			s.exactRoutes(t)
			s.unrouted(t, got[0])
			s.gone(t, got[0])
		})
	})
}

// gone waits until the kernel has no route of ours to exactly p.
func (s *site) gone(t *testing.T, p netip.Prefix) {
	t.Helper()
	s.until(t, "there is a route", func() []string {
		if r, there := s.Routes(t)[p]; there {
			return []string{r.Prefix.String() + " via " + r.Gateway.String()}
		}
		return nil
	})
}

// unrouted waits until the kernel sends nothing to p any more. A route that has
// run out is not used, though it is listed until the kernel finds time.
func (s *site) unrouted(t *testing.T, p netip.Prefix) {
	t.Helper()
	s.until(t, "traffic still goes to the dead", func() []string {
		// It fails where the covering blackhole stands.
		out, _ := s.Router.Command(s.ctx, "ip", "-6", "route", "get", p.Addr().Next().String()).CombinedOutput()
		if strings.Contains(string(out), " via ") {
			return []string{string(out)}
		}
		return nil
	})
}
