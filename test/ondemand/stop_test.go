//go:build linux

package ondemand

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/nftables"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// table is the nftables table's name.
const table = "leaseroute"

// tables are the names of the router's nftables tables.
func (s *site) tables(t *testing.T) (names []string) {
	t.Helper()
	must(t, s.Router.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		all, err := c.ListTables()
		for _, t := range all {
			names = append(names, t.Name)
		}
		return err
	}))
	return names
}

// hasTables fails the test unless there are exactly these tables.
func (s *site) hasTables(t *testing.T, want ...string) {
	t.Helper()
	if got := s.tables(t); !slices.Equal(got, want) {
		t.Errorf("the nftables tables are %q, want %q", got, want)
	}
}

// TestStop stops the daemon, and kills it: what it leaves behind is replaced.
func TestStop(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		onExit := map[bool]string{false: "remove", true: "keep"}[keep]
		t.Run("on_exit "+onExit, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, config(dhcp1(), "on_demand: { on_exit: "+onExit+" }"))
			h := s.host(t, 1, 0)
			list := s.list(withheld(h.lease))
			s.serve(t, 547, list, lqserver.Options{})
			s.armed(t)
			s.hasTables(t, table)
			h.pings(t, s.ctx)
			s.Stop(t)
			if keep {
				s.hasTables(t, table)
			} else {
				s.hasTables(t)
			}
			s.exact(t, h.lease) // R91
			_, err := h.Ping(s.ctx, lab.ServerAddress)
			must(t, err)
			s.armed(t)
			s.hasTables(t, table)
			s.Kill()
			s.hasTables(t, table)
			s.spoil(t)
			s.armed(t)
			if s.spoiled(t) {
				t.Error("what was in the table before is still there")
			}
			second := s.host(t, 2, 1)
			list.Set(withheld(second.lease))
			second.pings(t, s.ctx)
			s.exact(t, h.lease, second.lease)
			s.exactly(t, map[string]uint64{"on_demand_detector_src_asked": 1})
			s.Stop(t)
		})
	}
}

const litter = "litter"

// spoil puts a chain into the table that drops what comes from subscribers.
func (s *site) spoil(t *testing.T) {
	t.Helper()
	must(t, s.Router.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		drop := nftables.ChainPolicyDrop
		c.AddChain(&nftables.Chain{
			Name: litter, Table: &nftables.Table{Name: table, Family: nftables.TableFamilyINet},
			Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: &drop,
		})
		return c.Flush()
	}))
}

// spoiled reports whether that is still there.
func (s *site) spoiled(t *testing.T) (there bool) {
	t.Helper()
	must(t, s.Router.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		chains, err := c.ListChains()
		there = slices.ContainsFunc(chains, func(c *nftables.Chain) bool { return c.Name == litter })
		return err
	}))
	return there
}

// TestNoLeak has many sources be found, denied and not answered for: the daemon
// has as much open and running afterwards as before.
func TestNoLeak(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), dhcp2(), "on_demand: { negative_ttl: 1s, no_answer_ttl: 1s, interface_rate: 1000 }"))
	list := s.list()
	one := s.serve(t, 547, list, lqserver.Options{})
	s.serve(t, otherPort, s.list(), lqserver.Options{DUID: otherDUID})
	access := s.line(t, "acc0")
	s.sink(t)
	s.armed(t)
	n := uint16(0)
	round := func(sources int) {
		for range sources {
			if n++; n%2 == 0 {
				list.Set(withheld(s.lease(n, 0)))
			}
			access.sends(t, n, "")
		}
		s.landed(t)
	}
	round(10)
	before := s.resources(t)
	for range 5 {
		round(20)
	}
	one.SetFaults(lqserver.Faults{Over: lqserver.OverUDP, UDP: lqserver.DatagramFaults{LoseFirst: 1}})
	round(20)
	s.until(t, func() error {
		now := s.resources(t)
		if len(now.files) > len(before.files) || now.goroutines > before.goroutines {
			return fmt.Errorf("%d goroutines and files %q, before there were %d and %q",
				now.goroutines, now.files, before.goroutines, before.files)
		}
		return nil
	})
	if st := s.Status(t); st.Counters["retransmissions"] == 0 || st.RoutesInstalled < 60 {
		t.Errorf("too little has happened: %s", brief(st))
	}
	s.Stop(t)
}

// resources are what a daemon must not use more and more of.
type resources struct {
	files      []string // what each file descriptor is
	goroutines int
}

// resources looks at what the daemon has open and running.
func (s *site) resources(t *testing.T) (r resources) {
	t.Helper()
	r.goroutines = s.Status(t).Goroutines
	dir := fmt.Sprintf("/proc/%d/fd", s.Process().Pid())
	descriptors, err := os.ReadDir(dir)
	must(t, err)
	for _, fd := range descriptors {
		if what, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil { // else it was closed just now
			r.files = append(r.files, what)
		}
	}
	return r
}

// TestTableTaken has somebody remove the table while leaseroute runs.
func TestTableTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	h := s.host(t, 1, 0)
	s.serve(t, 547, s.list(withheld(h.lease)), lqserver.Options{})
	s.armed(t)
	must(t, s.Router.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		c.FlushRuleset()
		return c.Flush()
	}))
	s.status(t, func(st control.Status) error {
		if st.Counters["on_demand_detector_table_rewritten"] == 0 {
			return errors.New("nobody noticed")
		}
		return nil
	})
	s.hasTables(t, table)
	s.said(t, "somebody removed the rules")
	h.pings(t, s.ctx)
	s.exact(t, h.lease)
	s.Stop(t)
}
