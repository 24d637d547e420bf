//go:build linux

package ondemand

import (
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// TestGuard drops what comes from where no lease is known to be.
func TestGuard(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), "on_demand: { mode: guard, mac_rate: 100 }"))
	list := s.list(s.lease(1, 0))
	hold := lqserver.NewHold(0)
	dhcp := s.serve(t, 547, list, lqserver.Options{Faults: lqserver.Faults{Over: lqserver.OverUDP, Hold: hold}})
	core := s.sink(t)
	lines := map[string]*line{"acc0": s.line(t, "acc0"), "acc1": s.line(t, "acc1")}
	if st := s.armed(t); st.OnDemand != (control.OnDemand{State: "armed", Mode: "guard"}) {
		t.Errorf("on demand is %+v", st.OnDemand)
	}
	arrives := func(t *testing.T, want string) {
		t.Helper()
		if got := core.next(t); got != want {
			t.Errorf("%q arrived, want %q", got, want)
		}
	}
	unknown := uint64(0)
	dropped := func(t *testing.T, dev string, n uint16) {
		t.Helper()
		lines[dev].sends(t, n, "dropped")
		unknown++
		s.counted(t, "on_demand_detector_src_unknown", unknown)
	}
	t.Run("R-3 a known source passes", func(t *testing.T) {
		lines["acc0"].sends(t, 1, "known")
		arrives(t, "known")
	})
	t.Run("R-3 an unknown one is dropped until its lease is known", func(t *testing.T) {
		list.Set(withheld(s.lease(2, 1)))
		dropped(t, "acc1", 2)
		s.counted(t, "on_demand_lookups", 1)
		dropped(t, "acc1", 2) // the question is under way
		hold.Release()
		s.holds(t, s.lease(1, 0), s.lease(2, 1))
		lines["acc1"].sends(t, 2, "known by now")
		arrives(t, "known by now")
	})
	t.Run("R-3 a known one by the wrong interface is dropped, asked about or not", func(t *testing.T) {
		dropped(t, "acc1", 1)
		s.landed(t)
		dropped(t, "acc1", 1)
		lines["acc0"].sends(t, 1, "at home")
		arrives(t, "at home")
		s.exact(t, s.lease(1, 0), s.lease(2, 1))
		if n := dhcp.Stats().UDP.Transactions; n != 2 {
			t.Errorf("the server was asked %d times, want twice", n)
		}
	})
	t.Run("R-3 what is no subscriber's is not ours to drop", func(t *testing.T) {
		l := lines["acc0"]
		must(t, l.Send(l.frame(mac(1), s.Access[0].Subnet.Addr().Next().Next(), lab.ServerAddress, "the router's subnet")))
		arrives(t, "the router's subnet")
	})
	s.Stop(t)
}
