//go:build linux

package interop

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

// TestUnknownAddressesAreLookedUp has packets from and to subscribers of whom
// leaseroute knows nothing: Kea does, over UDP.
func TestUnknownAddressesAreLookedUp(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	d := s.unaware(t, setup{})
	s.kernel.reset(t)
	var want []lab.Route
	shapes := []struct {
		name string
		of   func(lab.KeaLease) bool
	}{
		{"R39 R90 R93 a client on our link", func(l lab.KeaLease) bool { return len(l.Relays) == 1 }},
		{"R90 R93 C112 one behind an access node, which relays without an address", behindNode},
		{"R90 R93 C112 one behind a router that relays", behindRouter},
	}
	for _, shape := range shapes {
		for _, talk := range []struct {
			name string
			do   func(*testing.T, lab.Route)
		}{{" sends", s.subscriberSends}, {" is sent to", s.coreSends}} {
			t.Run(shape.name+talk.name, func(t *testing.T) {
				r := s.unroutedOf(t, want, shape.of)
				talk.do(t, r)
				want = withRoute(want, r)
				s.exactly(t, want)
				if b := d.Bindings(t)[r.Prefix.String()]; b.Source != "lookup" || b.State != "installed" {
					t.Errorf("%+v, want a lookup's", b)
				}
				explained(t, d, r.Prefix, "lookup from kea (on "+r.Dev+"): first word about this lease [R70]")
			})
		}
	}
	t.Run("R42 C40 what Kea holds no lease for stays without a route, and Kea is not asked again", func(t *testing.T) {
		free := lab.Route{Prefix: netip.MustParsePrefix("2001:db8:87ff::/48"), Dev: "acc0"}
		before := s.datagrams(t)
		s.coreSends(t, free)
		d.Wait(t, "the verdict", func(now control.Status) bool { return now.Counters["on_demand_denied"] == 1 })
		for range 5 {
			s.coreSends(t, free)
		}
		s.coreSends(t, lab.Route{Prefix: netip.MustParsePrefix("2001:db8:87fe::/48")}) // the one after those
		now := d.Wait(t, "the next verdict", func(now control.Status) bool { return now.Counters["on_demand_denied"] == 2 })
		if n := s.datagrams(t) - before - int(now.Counters["retransmissions"]); n != 2 {
			t.Errorf("Kea got %d queries for two addresses", n)
		}
		s.exactly(t, want)
	})
	if p := s.kernel.sightings(t).removed; len(p) > 0 {
		t.Errorf("routes were removed: %v", p)
	}
}

// nobody is a remote-id that no lease has.
var nobody = append([]byte{0, 0, 0x0d, 0xe9}, "nobody"...)

// unaware starts a leaseroute that Kea has nothing to tell in bulk: it asks by
// a remote-id that nobody has.
func (s *site) unaware(t *testing.T, c setup) *daemon.Daemon {
	t.Helper()
	s.data.RemoteIDs = [][]byte{nobody}
	c.port = keaPort
	c.server = append(c.server, by("remote-id"))
	d := s.daemon(t, c)
	d.Start(t)
	d.Recovered(t)
	s.exactly(t, nil)
	return d
}

// subscriberSends sends a datagram from a prefix to the core.
func (s *site) subscriberSends(t *testing.T, r lab.Route) {
	t.Helper()
	must(t, s.Answer(t.Context(), r))
	from := r.Prefix.Addr().Next()
	for _, a := range s.Access {
		if a.Name == r.Dev {
			must(t, a.Subscribers.IP(t.Context(), fmt.Sprintf("address replace %s/128 dev lo nodad", from)))
			send(t, a.Subscribers, from, lab.ServerAddress)
		}
	}
}

// coreSends sends a datagram from the core to a prefix.
func (s *site) coreSends(t *testing.T, r lab.Route) {
	t.Helper()
	send(t, s.Server, lab.ServerAddress, r.Prefix.Addr().Next())
}

// send sends a datagram that nobody waits for.
func send(t *testing.T, n *lab.Namespace, from, to netip.Addr) {
	t.Helper()
	conn, err := n.ListenPacket("udp6", netip.AddrPortFrom(from, 0).String())
	must(t, err)
	defer conn.Close()
	const discard = 9
	_, err = conn.WriteTo([]byte("here I am"), net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, discard)))
	must(t, err)
}

// unroutedOf returns the route to the first live prefix of a kind that is not
// among those that are routed.
func (s *site) unroutedOf(t *testing.T, routed []lab.Route, of func(lab.KeaLease) bool) lab.Route {
	t.Helper()
	for _, l := range s.data.Leases {
		if r, live := s.routeTo(l); live && of(l) && !slices.Contains(routed, r) {
			return r
		}
	}
	t.Fatal("no such prefix is left")
	return lab.Route{}
}

// routeTo returns the route that a lease should have, if it should.
func (s *site) routeTo(l lab.KeaLease) (lab.Route, bool) {
	for _, r := range s.data.Live {
		if r.Prefix == l.Prefix {
			return r, true
		}
	}
	return lab.Route{}, false
}

// explained fails the test unless the command explain tells of all of it.
func explained(t *testing.T, d *daemon.Daemon, p netip.Prefix, want ...string) {
	t.Helper()
	out, errs, code := d.Run(t, "explain", p.String())
	for _, words := range want {
		if code != 0 || !strings.Contains(out, words) {
			t.Errorf("explain %s ends with %d and lacks %q:\n%s%s", p, code, words, out, errs)
		}
	}
}
