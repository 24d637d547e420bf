//go:build linux

package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lqserver"
)

// TestWhy asks explain why a prefix is not routed, and why one is. That a
// client released it needs a client: see test/glean.
func TestWhy(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), serverLine("dhcp2", otherPort)))
	routed, contested := s.lease(1, "2001:db8:8000:100::/56", 0), heard(time.Minute, s.lease(2, "2001:db8:8000:200::/56", 0))
	outside := s.lease(3, "2001:db8:7000:300::/56", 0)
	nowhere := via(s.lease(4, "2001:db8:8000:400::/56", 0), func(r *lqserver.Relay) { r.Link = netip.MustParseAddr("2001:db8:99::1") })
	down, foreign := s.lease(5, "2001:db8:8000:500::/56", 1), s.lease(6, "2001:db8:8000:600::/56", 0)
	short := heard(time.Hour, s.lease(7, "2001:db8:8000:700::/56", 0))
	short.Valid = time.Hour + 4*time.Second
	suspect, cleared := s.lease(8, "2001:db8:8000:800::/56", 0), s.lease(9, "2001:db8:8000:900::/56", 0)
	loser := heard(time.Hour, s.lease(10, contested.Prefix.String(), 1))
	list := s.list(routed, contested, outside, nowhere, down, foreign, short, suspect, cleared)
	must(t, s.Router.IP(t.Context(), "route add 2001:db8:8000:600::/56 dev core0 proto static metric 5"))
	server, _ := s.serve(t, 547, list, lqserver.Options{Manner: lqserver.Kea()}) // it confirms what is past half of its life
	s.serve(t, otherPort, s.list(loser), lqserver.Options{DUID: otherDUID})
	s.Start(t)
	s.settled(t)
	must(t, s.Router.IP(t.Context(), "link set acc1 down"))
	if _, stderr, code := s.Run(t, "clear", cleared.Prefix.String(), "--yes"); code != 0 {
		t.Fatal(stderr)
	}
	list.Remove(suspect.Prefix)
	server.SetFaults(knobsOf(t, []string{"status=address:NotAllowed"}))
	s.resync(t)
	s.status(t, func(st control.Status) error {
		if st.Counters["bindings_expired"] == 0 || st.Refused["interface is down"] == 0 || st.ByState["suspect"] == 0 {
			return fmt.Errorf("the lease that ends, the one whose interface is down or the one that was not mentioned is not there yet")
		}
		return nil
	})
	for _, tt := range []struct {
		name   string
		prefix string
		want   []string
	}{
		{"why it is routed there", routed.Prefix.String(), []string{
			": installed (first word about this lease)", "via fe80::101 dev acc0", "bulk from dhcp1 (on acc0): first word about this lease [R70]",
			"kernel: 2001:db8:8000:100::/56 via fe80::101 dev acc0 proto 158"}},
		{"outside allowed", outside.Prefix.String(), []string{
			": refused (outside delegation.allowed)", "outside delegation.allowed [R37]", "add its block to delegation.allowed"}},
		{"conflict lost", contested.Prefix.String(), []string{
			": installed", "client " + duidOf(2) + " via fe80::102 dev acc0", "[R77]; client ", duidOf(10)}},
		{"no next hop", nowhere.Prefix.String(), []string{
			": unresolved (nothing says where the client is)", "via - dev -", "map its Interface-Id in interfaces.interface_ids"}},
		{"interface down", down.Prefix.String(), []string{
			": refused (interface is down)", "bulk from dhcp1 (on acc1)", "interface is down [S-2]; binding of client", "kernel: a blackhole route drops it", "comes back when the interface is up"}},
		{"foreign route in the way", foreign.Prefix.String(), []string{
			": refused (someone else has a route of this prefix", "ours is installed as soon as it is gone"}},
		{"expired", short.Prefix.String(), []string{
			": no lease is held", "valid lifetime has run out [R73]; binding of client " + duidOf(7), "the last verdict says why"}},
		{"suspect", suspect.Prefix.String(), []string{
			": suspect (not mentioned by a complete bulk run)", "first word about this lease [R70]", "not mentioned by a complete bulk run [R60]",
			"kernel: 2001:db8:8000:800::/56 via fe80::108 dev acc0", "its route stays while its server is asked"}},
		{"cleared", cleared.Prefix.String(), []string{
			": no lease is held", "cleared by the operator [O-2]; binding of client " + duidOf(9), "kernel: a blackhole route drops it"}},
		{"IPv4", "10.0.0.0/8", []string{"10.0.0.0/8: nothing is known", "this release routes delegated prefixes of IPv6"}},
		{"an IPv4 address", "10.1.2.3", []string{"10.1.2.3: nothing is known", "this release routes delegated prefixes of IPv6"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.explains(t, tt.prefix, tt.want...)
			e := s.story(t, tt.prefix)
			if !slices.IsSortedFunc(e.Events, func(a, b control.Event) int { return a.At.Compare(b.At) }) {
				t.Errorf("the story is not in the order of time: %+v", e.Events)
			}
			if strings.Contains(e.Advice, "allowed") && tt.name != "outside allowed" {
				t.Errorf("the advice is %q", e.Advice)
			}
		})
	}
	s.Stop(t)
}
