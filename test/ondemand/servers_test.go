//go:build linux

package ondemand

import (
	"fmt"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// dead is a server that answers nothing over UDP.
var dead = lqserver.Faults{Over: lqserver.OverUDP, UDP: lqserver.DatagramFaults{Dead: true}}

// TestTwoServers (R14 R15 R25) asks two servers, of which one knows the lease.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, ask string
		first     uint64 // questions to the first server
		second    uint64
		holder    int // who holds the lease
	}{
		{"R15 R25 all at once: the first denies, the second holds", "all", 1, 1, 2},
		{"R15 R25 all at once: the first holds, the second denies", "all", 1, 1, 1},
		{"R15 in order: the first holds, the second isn't asked", "in-order", 1, 0, 1},
		{"R15 R24 in order: the first denies, the second holds", "in-order", 1, 1, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, config(dhcp1(), dhcp2(), "on_demand: { ask: "+tt.ask+" }"))
			h := s.host(t, 1, 0)
			one, two := s.list(), s.list()
			map[int]*lqserver.List{1: one, 2: two}[tt.holder].Set(withheld(h.lease))
			first := s.serve(t, 547, one, lqserver.Options{})
			second := s.serve(t, otherPort, two, lqserver.Options{DUID: otherDUID})
			s.armed(t)
			h.pings(t, s.ctx)
			s.exact(t, h.lease)
			s.landed(t)
			if a, b := first.Stats().UDP.Transactions, second.Stats().UDP.Transactions; a != tt.first || b != tt.second {
				t.Errorf("the servers were asked %d and %d times, want %d and %d", a, b, tt.first, tt.second)
			}
			s.explains(t, h.lease.Prefix.String(), fmt.Sprintf("lookup from dhcp%d (on acc0)", tt.holder))
			s.Stop(t)
		})
	}
}

// TestDeadServer (R24 R25) has the first of two servers answer nothing. It is
// polled, and holds nothing up.
func TestDeadServer(t *testing.T) {
	t.Parallel()
	for _, ask := range []string{"all", "in-order"} {
		t.Run("R24 R96 a dead server is polled, not hammered; asked "+ask, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, config(dhcp1(), dhcp2(), "on_demand: { interface_rate: 1000, ask: "+ask+" }"))
			var leases []lqserver.Binding
			list := s.list()
			access := s.line(t, "acc0")
			first := s.serve(t, 547, s.list(), lqserver.Options{Faults: dead})
			s.serve(t, otherPort, list, lqserver.Options{DUID: otherDUID})
			s.sink(t)
			s.armed(t)
			comes := func(n uint16) {
				leases = append(leases, s.lease(n, 0))
				list.Set(withheld(s.lease(n, 0)))
				access.sends(t, n, "")
			}
			comes(1)
			s.status(t, func(st control.Status) error {
				if st.Servers[0].Lookup != "silent" || st.Servers[1].Lookup != "ready" {
					return fmt.Errorf("it is not known to be dead")
				}
				return nil
			})
			comes(2) // another poll
			s.until(t, func() error {
				if n := first.Stats().UDP.Transactions; n != 2 {
					return fmt.Errorf("it was asked %d times, want twice", n)
				}
				return nil
			})
			began := time.Now()
			for n := range uint16(60) {
				comes(3 + n)
			}
			s.holds(t, leases...) // in order, with the first two when the dead one is given up
			polls := uint64(time.Since(began)/(10*time.Second)) + 1
			st, asked := s.Status(t), first.Stats().UDP
			t.Logf("62 sources: the dead server got %d questions in %d datagrams, %d were not sent", asked.Transactions, asked.Received, st.Servers[0].Counters["not_hammered"])
			if asked.Transactions > 2+polls || asked.Received > 5*asked.Transactions {
				t.Errorf("the dead server got %d questions in %d datagrams, want %d at most, of 5 each", asked.Transactions, asked.Received, 2+polls)
			}
			if n := st.Servers[0].Counters["not_hammered"]; n < 60-polls {
				t.Errorf("%d questions were not sent, want nearly 60", n)
			}
			s.explains(t, prefix(1).String(), "lookup from dhcp2 (on acc0)")
			first.SetFaults(lqserver.Faults{})
			t.Run("R31 it is back with its first answer", func(t *testing.T) {
				n := uint16(100)
				s.status(t, func(st control.Status) error {
					if st.Servers[0].Lookup != "ready" {
						comes(n)
						n++
						return fmt.Errorf("nothing was heard of it")
					}
					return nil
				})
			})
			s.Stop(t)
		})
	}
}

// TestLookupsOnly (R24 R91) has a server that knows no bulk leasequery.
func TestLookupsOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1("bulk: false"), "on_demand: { check_before: 1h }"))
	h, gone := s.host(t, 1, 0), s.lease(2, 1)
	list := s.list(h.lease, gone)
	dhcp := s.serveLookups(t, 547, list, lqserver.Options{})
	t.Run("R129 it is no part of the recovery", func(t *testing.T) {
		st := s.armed(t)
		if v := st.Servers[0]; v.BindingsReceived != 0 || v.Counters["connects"]+v.Counters["connect_failures"] != 0 || v.Error != "" {
			t.Errorf("it was asked for everything: %s", brief(st))
		}
		s.exact(t)
	})
	t.Run("R93 what it holds is learnt packet by packet", func(t *testing.T) {
		h.pings(t, s.ctx)
		s.lookup(t, 2)
		s.exact(t, h.lease, gone)
	})
	t.Run("R42 R60 R91 adopted routes are asked about, and go if it denies them", func(t *testing.T) {
		s.Kill()
		must(t, s.forgetState())
		list.Remove(gone.Prefix)
		before := dhcp.Stats().UDP.Transactions
		s.armed(t)
		s.holds(t, h.lease)
		s.Settled(t)
		if n := dhcp.Stats().UDP.Transactions - before; n != 2 {
			t.Errorf("it was asked %d times, want about two routes", n)
		}
		if b := s.Bindings(t)[h.lease.Prefix.String()]; b.Source != "lookup" || b.State != "installed" {
			t.Errorf("the route that stayed is %+v", b)
		}
		s.exactly(t, map[string]uint64{"suspects_held": 1, "suspects_denied": 1, "bindings_denied": 1})
		_, err := s.Server.Ping(s.ctx, h.address)
		must(t, err)
	})
	t.Run("R60 a lease near its end is asked about over UDP", func(t *testing.T) {
		short := s.lease(3, 1)
		short.Valid, short.Preferred = 8*time.Second, 8*time.Second
		list.Set(heard(0, short))
		s.lookup(t, 3)
		s.holds(t, h.lease, short)
		list.Set(heard(0, s.lease(3, 1))) // it renewed, and nobody saw that
		s.status(t, func(st control.Status) error {
			if st.Counters["suspects_held"] < 2 {
				return fmt.Errorf("it was not asked about")
			}
			return nil
		})
		s.until(t, func() error {
			b, ok := s.Bindings(t)[short.Prefix.String()]
			if !ok || b.State != "installed" || b.ValidUntil.Before(time.Now().Add(time.Hour)) {
				return fmt.Errorf("it is %+v (there: %t)", b, ok)
			}
			return nil
		})
		s.exact(t, h.lease, short)
	})
	s.Stop(t)
}

// TestRate (R96) has many sources come at once: the server gets no more than it
// is to get, from the first second on.
func TestRate(t *testing.T) {
	t.Parallel()
	const most = 20
	s := newSite(t, config(dhcp1(), fmt.Sprintf("on_demand: { rate: %d }", most)))
	dhcp := s.serve(t, 547, s.list(), lqserver.Options{})
	access := s.line(t, "acc0")
	s.sink(t)
	s.armed(t)
	n, began := uint16(0), time.Now()
	s.until(t, func() error {
		for range 10 {
			n++
			must(t, access.Send(access.frame(mac(n), address(n), lab.ServerAddress, "")))
		}
		if asked := dhcp.Stats().UDP.Transactions; asked < 4*most {
			return fmt.Errorf("the server was asked %d times", asked)
		}
		return nil
	})
	st, took := dhcp.Stats().UDP, time.Since(began)
	t.Logf("%d sources, %d datagrams in %s, at most %d in a second", n, st.Received, took.Round(time.Millisecond), st.Peak)
	// Not the peak: on a busy machine the server looks at some of them late.
	if limit := most/10 + took.Seconds()*most; float64(st.Received) > limit {
		t.Errorf("the server got %d datagrams in %s, want at most %.0f", st.Received, took, limit)
	}
	s.Stop(t)
}

// TestManyAtADeadServer (R25 R96) has more sources come than may be asked about
// at a time, while the first of two servers answers nothing: those that come
// later don't wait until it is given up.
func TestManyAtADeadServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), dhcp2(), "on_demand: { interface_rate: 1000, outstanding: 20 }"))
	list := s.list()
	access := s.line(t, "acc0")
	first := s.serve(t, 547, s.list(), lqserver.Options{Faults: dead})
	s.serve(t, otherPort, list, lqserver.Options{DUID: otherDUID})
	s.sink(t)
	s.armed(t)
	var leases []lqserver.Binding
	for n := range uint16(60) {
		leases = append(leases, s.lease(n+1, 0))
		list.Set(withheld(s.lease(n+1, 0)))
	}
	const second = int(time.Second / glance)
	looks := 0
	s.until(t, func() error {
		have, missing := s.Routes(t), 0
		for n, b := range leases {
			if have[b.Prefix] != s.routeOf(b) {
				missing++
				if looks%second == 0 {
					access.sends(t, uint16(n+1), "")
				}
			}
		}
		looks++
		if missing > 0 {
			return fmt.Errorf("%d have no route", missing)
		}
		return nil
	})
	st, asked := s.Status(t), first.Stats().UDP
	t.Logf("the dead server got %d questions in %d datagrams", asked.Transactions, asked.Received)
	if n := st.Servers[0].Counters["unanswered"]; n != 0 {
		t.Errorf("%d questions were given up meanwhile; %s", n, brief(st))
	}
	if asked.Received > 4*20 {
		t.Errorf("the dead server got %d datagrams", asked.Received)
	}
	s.Stop(t)
}
