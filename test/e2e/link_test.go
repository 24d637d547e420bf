//go:build linux

package e2e

import (
	"fmt"
	"net"
	"testing"
	"time"

	"leaseroute/test/lqserver"
)

// TestLinks takes the access interface away in every way there is. The leases
// stay (RFC 8987, S-2), and the routes come back by themselves.
func TestLinks(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	down, other := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 1)
	list := s.list(down, other)
	server, _ := s.serve(t, 547, list, lqserver.Options{})
	s.Start(t)
	s.settled(t)
	both, left := s.fibOf(down, other), s.fibOf(other)
	s.holds(t, both)
	ip := func(commands ...string) { t.Helper(); must(t, s.Router.IP(t.Context(), commands...)) }
	address := fmt.Sprintf("address add %s/64 dev acc0 nodad", s.Access[0].Address)

	ip("link set acc0 down")
	s.holds(t, left)
	s.state(t, "C111 S-2 admin down", down, "refused", "interface is down")
	s.explains(t, down.Prefix.String(), "refused (interface is down)", "[S-2]", "kernel: a blackhole route drops it")
	ip("link set acc0 up")
	s.holds(t, both)
	s.state(t, "C111 admin up", down, "installed", "")
	asked := linkQueries(server)
	ip(address)
	s.askedAgain(t, "an address that comes back", server, asked)

	must(t, s.Access[0].Subscribers.IP(t.Context(), "link set wan0 down"))
	s.noCarrier(t, "acc0")
	s.exact(t, both)
	s.state(t, "C111 S-2 no carrier: the kernel keeps the route, and so do we", down, "installed", "")
	asked = linkQueries(server)
	must(t, s.Access[0].Subscribers.IP(t.Context(), "link set wan0 up"))
	s.askedAgain(t, "a carrier that comes back", server, asked)
	s.exact(t, both)

	ip("link del acc0")
	s.holds(t, left)
	s.state(t, "C111 S-2 the interface is deleted", down, "refused", "interface is missing")
	ip("link add acc0 type veth peer name wan0 netns "+s.Access[0].Subscribers.Name, "link set acc0 up", address)
	must(t, s.Access[0].Subscribers.IP(t.Context(), "link set wan0 up"))
	s.holds(t, both)
	s.state(t, "C111 the interface is there again", down, "installed", "")
	s.Stop(t)
}

// TestExpiryWithoutCarrier lets a lease run out while its link has no carrier:
// the kernel has kept the route, and must not keep it longer than the lease.
func TestExpiryWithoutCarrier(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	stays, short := s.lease(2, "2001:db8:8000:200::/56", 0), heard(time.Minute, s.lease(1, "2001:db8:8000:100::/56", 0))
	short.Valid = time.Minute + 4*time.Second
	s.serve(t, 547, s.list(short, stays), lqserver.Options{Manner: lqserver.Kea()})
	s.Start(t)
	s.settled(t)
	s.holds(t, s.fibOf(short, stays))
	must(t, s.Access[0].Subscribers.IP(t.Context(), "link set wan0 down"))
	s.holds(t, s.fibOf(stays))
	s.explains(t, short.Prefix.String(), "valid lifetime has run out [R73]")
	s.Stop(t)
}

// TestLateInterface has an access interface appear later: only its link is
// asked about.
func TestLateInterface(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	late := s.Access[1]
	must(t, s.Router.IP(t.Context(), "link del "+late.Name))
	here, there := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 1)
	server, _ := s.serve(t, 547, s.list(here, there), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	s.holds(t, s.fibOf(here))
	s.state(t, "R90 its link is not ours yet", there, "unresolved", "nothing says where the client is")
	bindings := server.Stats().Bindings

	must(t, s.Router.IP(t.Context(),
		"link add "+late.Name+" type veth peer name wan0 netns "+late.Subscribers.Name,
		"link set "+late.Name+" up", fmt.Sprintf("address add %s/64 dev %s nodad", late.Address, late.Name)))
	must(t, late.Subscribers.IP(t.Context(), "link set wan0 up"))
	s.holds(t, s.fibOf(here, there))
	s.state(t, "R90 it is now", there, "installed", "")
	if st := s.settled(t); st.Servers[0].Rounds != 1 {
		t.Errorf("%d rounds about all, want the one at the start", st.Servers[0].Rounds)
	}
	if n := server.Stats().Bindings - bindings; n == 0 {
		t.Error("the server was not asked again")
	}
	s.Stop(t)
}

// state fails the test unless a lease comes to be in a state, for a reason
// (empty: any).
func (s *site) state(t *testing.T, what string, b lqserver.Binding, state, reason string) {
	t.Helper()
	s.until(t, func() error {
		got := s.Bindings(t)[b.Prefix.String()]
		if got.State != state || reason != "" && got.Reason != reason {
			return fmt.Errorf("%s: %s is %q (%q), want %q (%q)", what, b.Prefix, got.State, got.Reason, state, reason)
		}
		return nil
	})
}

// linkQueries is how often a server was asked about one link alone: such
// rounds ask by relay-id, for one link.
func linkQueries(s *lqserver.Server) uint64 { return s.Stats().Queries[lqserver.ByRelayID] }

// askedAgain waits until a server has been asked once more.
func (s *site) askedAgain(t *testing.T, what string, server *lqserver.Server, before uint64) {
	t.Helper()
	s.until(t, func() error {
		if linkQueries(server) == before {
			return fmt.Errorf("%s: the server is not asked again", what)
		}
		return nil
	})
}

// noCarrier waits until the router's interface has none.
func (s *site) noCarrier(t *testing.T, name string) {
	t.Helper()
	s.until(t, func() error {
		return s.Router.Do(func() error {
			i, err := net.InterfaceByName(name)
			if err == nil && i.Flags&net.FlagRunning != 0 {
				err = fmt.Errorf("%s still has a carrier", name)
			}
			return err
		})
	})
}
