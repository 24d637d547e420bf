//go:build linux

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lqserver"
)

// TestWaitRecovered gates on a recovery that a server holds up.
func TestWaitRecovered(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	g := s.generate(t, clients, nil)
	hold := lqserver.NewHold(5)
	s.serve(t, 547, g, lqserver.Options{Faults: lqserver.Faults{Hold: hold}})
	early := s.background(t, "wait", "--recovered", "--timeout", "1m") // before there is a daemon
	s.Start(t)
	<-hold.Reached()
	s.holds(t, s.chosen(g, first(5)))
	stdout, stderr, code := s.Run(t, "wait", "--recovered", "--timeout", "2s")
	if want := "not done within 2s: the state is recovering: 5 bindings, 5 routes; dhcp1 querying relay-id"; code != 1 || stdout != "" || !strings.Contains(stderr, want) {
		t.Errorf("exit %d, stdout %q, stderr %q; want 1, %q", code, stdout, stderr, want)
	}
	st := s.Status(t)
	if st.State != "recovering" || st.RecoveredAfterSeconds != nil || st.Servers[0].State != "querying" || st.Servers[0].LastComplete != nil {
		t.Errorf("status %s", brief(st))
	}
	hold.Release()
	early.line(t, regexp.MustCompile(`^recovered: 20 bindings, 20 routes \(recovered after \d+\.\d+ s\)$`))
	early.ends(t)
	s.exact(t, s.chosen(g, nil))
	if _, stderr, code := s.Run(t, "wait", "--recovered"); code != 0 {
		t.Errorf("exit %d, %q although it is recovered", code, stderr)
	}
	s.Stop(t)
}

// TestDegraded has one of two servers make no progress for recovery.give_up.
func TestDegraded(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), serverLine("dhcp2", otherPort), "recovery: { give_up: 1s }"))
	mine, other := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 1)
	s.serve(t, 547, s.list(mine), lqserver.Options{})
	hold := lqserver.NewHold(0)
	s.serve(t, otherPort, s.list(other), lqserver.Options{DUID: otherDUID, Faults: lqserver.Faults{Hold: hold}})
	s.Start(t)
	s.status(t, func(st control.Status) error {
		if st.State != "degraded" || st.RecoveredAfterSeconds != nil {
			return fmt.Errorf("the state is %s", st.State)
		}
		return nil
	})
	s.exact(t, s.fibOf(mine))
	if stdout, _, _ := s.Run(t, "status"); !strings.Contains(stdout, "state     degraded\n") {
		t.Errorf("status does not say degraded:\n%s", stdout)
	}
	hold.Release()
	s.settled(t)
	s.holds(t, s.fibOf(mine, other))
	s.Stop(t)
}
