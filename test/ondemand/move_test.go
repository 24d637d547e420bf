//go:build linux

package ondemand

import (
	"testing"
	"time"

	"leaseroute/test/lqserver"
)

// TestMoved (R77 R93) has a subscriber turn up behind another port.
func TestMoved(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	old := s.host(t, 1, 0)
	list := s.list(old.lease)
	dhcp := s.serve(t, 547, list, lqserver.Options{})
	s.armed(t)
	_, err := s.Server.Ping(s.ctx, old.address)
	must(t, err)
	replaced := s.Status(t).Counters["routes_replaced"]
	t.Run("R93 R77 a known prefix by another interface is asked about, and its route moves at once", func(t *testing.T) {
		must(t, old.IP(s.ctx, "link set wan0 down"))
		moved := s.host(t, 1, 1)
		moved.lease = withheld(heard(time.Second, moved.lease))
		list.Set(moved.lease)
		moved.pings(t, s.ctx)
		s.exact(t, moved.lease)
		s.landed(t)
		s.exactly(t, map[string]uint64{"routes_replaced": replaced + 1, "routes_deleted": 0, "on_demand_lookups": 1})
		if n := dhcp.Stats().UDP.Transactions; n != 1 {
			t.Errorf("the server was asked %d times, want once", n)
		}
		s.explains(t, moved.lease.Prefix.String(), "lookup from dhcp1 (on acc1): ", "[R77]")
		_, err := s.Server.Ping(s.ctx, moved.address)
		must(t, err)
	})
	s.Stop(t)
}
