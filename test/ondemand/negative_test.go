//go:build linux

package ondemand

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"leaseroute/test/lqserver"
)

// TestNobodyHolds (R95 R10) sends from addresses, and to addresses, that nobody
// holds.
func TestNobodyHolds(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	list := s.list()
	dhcp := s.serve(t, 547, list, lqserver.Options{})
	access, core := s.line(t, "acc0"), s.line(t, "core0")
	s.sink(t) // else the server says that nobody takes them
	s.armed(t)
	asked := func(want uint64) {
		t.Helper()
		if n := dhcp.Stats().UDP.Transactions; n != want {
			t.Errorf("the server was asked %d times, want %d; %s", n, want, brief(s.Status(t)))
		}
	}
	t.Run("R95 R10 a source costs one question, then there is silence", func(t *testing.T) {
		s.silenced(t, access, 1)
		for range 30 {
			access.sends(t, 1, "")
		}
		s.counted(t, "on_demand_detector_src_pending", 30)
		asked(1)
		s.exactly(t, map[string]uint64{"on_demand_denied": 1, "on_demand_negatives": 1, "on_demand_detector_suppressed": 1})
	})
	t.Run("R95 its neighbour is another matter", func(t *testing.T) {
		s.silenced(t, access, 2)
		asked(2)
	})
	t.Run("R95 R10 a destination costs one question too", func(t *testing.T) {
		to := func() {
			must(t, core.Send(core.frame(mac(99), netip.MustParseAddr("2001:db8:0:1::9"), address(3), "")))
		}
		to()
		s.counted(t, "on_demand_denied", 3)
		for range 30 {
			to()
		}
		s.counted(t, "on_demand_detector_dst_pending", 30)
		asked(3)
	})
	t.Run("R95 a bulk answer with a lease there ends the silence", func(t *testing.T) {
		list.Set(s.lease(1, 0))
		s.resync(t)
		s.holds(t, s.lease(1, 0))
		s.unsuppressed(t, 1)
		// The route goes: whoever asks now must be heard again.
		list.Remove(prefix(1))
		s.lookup(t, 1)
		s.holds(t)
		s.silenced(t, access, 1)
	})
	t.Run("R95 what a client is seen to lease ends the silence", func(t *testing.T) {
		s.leases(t, access, core, 2)
		s.holds(t, s.lease(2, 0))
		s.unsuppressed(t, 2)
	})
	s.Stop(t)
}

// silenced sends from the n-th site, and waits until its silence has begun.
func (s *site) silenced(t *testing.T, l *line, n uint16) {
	t.Helper()
	before := s.Status(t).Counters["on_demand_detector_suppressed"]
	l.sends(t, n, "")
	s.counted(t, "on_demand_detector_suppressed", before+1)
}

// unsuppressed waits until so many silences have been ended.
func (s *site) unsuppressed(t *testing.T, n uint64) {
	t.Helper()
	s.counted(t, "on_demand_detector_unsuppressed", n)
}

// lookup has the daemon ask about the n-th site.
func (s *site) lookup(t *testing.T, n uint16) {
	t.Helper()
	if _, stderr, code := s.Run(t, "lookup", address(n).String()); code != 0 {
		t.Fatalf("lookup: exit %d: %s", code, stderr)
	}
}

// TestSilenceEnds (R95 R24) goes on sending until it is asked again.
func TestSilenceEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), "on_demand: { negative_ttl: 1s }"))
	list := s.list()
	dhcp := s.serve(t, 547, list, lqserver.Options{})
	access := s.line(t, "acc0")
	s.sink(t)
	s.armed(t)
	s.silenced(t, access, 1)
	began := time.Now()
	s.until(t, func() error {
		access.sends(t, 1, "")
		if n := dhcp.Stats().UDP.Transactions; n < 2 {
			return fmt.Errorf("the server was asked %d times", n)
		}
		return nil
	})
	t.Logf("R95 asked again after %s", time.Since(began).Round(time.Millisecond))
	list.Set(withheld(s.lease(1, 0)))
	s.until(t, func() error {
		access.sends(t, 1, "")
		if !s.same(s.Routes(t), []lqserver.Binding{s.lease(1, 0)}) {
			return fmt.Errorf("there is no route")
		}
		return nil
	})
	s.Stop(t)
}
