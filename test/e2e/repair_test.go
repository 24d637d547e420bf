//go:build linux

package e2e

import (
	"fmt"
	"net/netip"
	"testing"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// TestRepairs has somebody else take, change and replace our routes.
func TestRepairs(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	one, two := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 1)
	s.serve(t, 547, s.list(one, two), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	want := s.fibOf(one, two)
	s.holds(t, want)
	ip := func(commands ...string) { t.Helper(); must(t, s.Router.IP(t.Context(), commands...)) }
	p := one.Prefix.String()

	t.Run("rule 8: one is deleted", func(t *testing.T) {
		ip("route del " + p + " proto 158")
		s.counted(t, "routes_taken", 1)
		s.counted(t, "bindings_repaired", 1)
		s.holds(t, want)
		s.explains(t, p, "installed", "someone took or changed our route")
	})
	t.Run("rule 8: one is changed", func(t *testing.T) {
		ip("route replace " + p + " via fe80::bad dev acc1 proto 158 metric 1024")
		s.holds(t, want)
	})
	t.Run("rule 8: all are flushed, the covering one as well", func(t *testing.T) {
		ip("route flush proto 158")
		s.covered(t)
		s.holds(t, want)
	})
	t.Run("rule 8: the covering one is deleted", func(t *testing.T) {
		ip(fmt.Sprintf("route del blackhole %s", lab.Delegated))
		s.covered(t)
		s.exact(t, want)
	})
	t.Run("C114 rule 1: one is replaced by a foreign one, which stays", func(t *testing.T) {
		ip("route replace " + p + " via fe80::77 dev acc1 proto static metric 1024")
		s.state(t, "rule 1", one, "refused", "someone else has a route of this prefix")
		s.explains(t, p, "refused (someone else has a route of this prefix)", "kernel: "+p+" via fe80::77 dev acc1 proto 4 metric 1024")
		s.exact(t, s.fibOf(two))
		ip("route del " + p + " via fe80::77 dev acc1 proto static")
		s.holds(t, want)
		s.state(t, "rule 1", one, "installed", "")
	})
	s.Stop(t)
	s.exact(t, want)
}

// covered waits until our covering route is there.
func (s *site) covered(t *testing.T) {
	t.Helper()
	must(t, s.Router.WaitRoutes(s.ctx, daemon.Protocol, func(have map[netip.Prefix]lab.Route) bool {
		return have[lab.Delegated].Blackhole
	}))
}
