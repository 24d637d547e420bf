//go:build linux

package ondemand

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"leaseroute/agent/control"
)

// glance is how often a test that waits looks again.
const glance = 20 * time.Millisecond

// until calls try until it returns nil.
func (s *site) until(t *testing.T, try func() error) {
	t.Helper()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-s.Process().Ended():
			t.Fatalf("the daemon has ended: %v", err)
		case <-s.ctx.Done():
			t.Fatal("waited too long: ", err)
		}
	}
}

// status waits until the daemon answers and its status is as ok says, and
// returns it. ok says what is still missing.
func (s *site) status(t *testing.T, ok func(control.Status) error) (last control.Status) {
	t.Helper()
	s.until(t, func() error {
		last = control.Status{} // maps would keep what is no longer there
		if err := s.Client().Get(s.ctx, "/v1/status", nil, &last); err != nil {
			return err
		}
		if err := ok(last); err != nil {
			return fmt.Errorf("%w; %s", err, brief(last))
		}
		return nil
	})
	return last
}

// brief is what of a status helps to understand a failure.
func brief(s control.Status) string {
	maps.DeleteFunc(s.Counters, func(_ string, n uint64) bool { return n == 0 })
	servers := make([]string, len(s.Servers))
	for i, v := range s.Servers {
		servers[i] = fmt.Sprintf("%s %s %q lookup %s %q", v.Name, v.State, v.Error, v.Lookup, v.LookupError)
	}
	return fmt.Sprintf("%s, on demand %+v, %v, counters %v, servers %v", s.State, s.OnDemand, s.ByState, s.Counters, servers)
}

// counted waits until a counter has reached n.
func (s *site) counted(t *testing.T, counter string, n uint64) control.Status {
	t.Helper()
	return s.status(t, func(st control.Status) error {
		if got, ok := st.Counters[counter]; !ok || got < n {
			return fmt.Errorf("counter %s is %d (there: %t), want %d or more", counter, got, ok, n)
		}
		return nil
	})
}

// exactly fails the test unless counters have these values now.
func (s *site) exactly(t *testing.T, want map[string]uint64) {
	t.Helper()
	st := s.Status(t)
	for name, n := range want {
		if got, ok := st.Counters[name]; !ok || got != n {
			t.Errorf("counter %s is %d (there: %t), want %d; %s", name, got, ok, n, brief(st))
		}
	}
}

// armed starts the daemon, and waits until it notices unknown packets and has
// asked all servers, and can ask them again.
func (s *site) armed(t *testing.T) control.Status {
	t.Helper()
	s.Start(t)
	return s.isArmed(t)
}

func (s *site) isArmed(t *testing.T) control.Status {
	t.Helper()
	return s.status(t, func(st control.Status) error {
		if st.State != "recovered" || st.ChangesPending != 0 || st.OnDemand.State != "armed" {
			return fmt.Errorf("not armed")
		}
		for _, v := range st.Servers {
			if v.Lookup != "ready" {
				return fmt.Errorf("%s can't be asked", v.Name)
			}
		}
		return nil
	})
}

// landed waits until everything that was reported is decided, and every lookup
// has ended.
func (s *site) landed(t *testing.T) control.Status {
	t.Helper()
	return s.status(t, func(st control.Status) error {
		c := func(name string) uint64 { return st.Counters["on_demand_"+name] }
		if c("detector_src_asked")+c("detector_dst_asked") > c("detector_reports")+c("detector_reports_lost") ||
			c("detector_reports_passed") > c("noticed")+c("outside") ||
			c("noticed") > c("lookups")+c("collapsed")+c("suppressed")+c("shed_outstanding")+c("shed_interface")+c("shed_rate") {
			return fmt.Errorf("packets are being looked at")
		}
		if c("lookups") > c("found")+c("unchanged")+c("unrouted")+c("denied")+c("unanswered") {
			return fmt.Errorf("lookups are under way")
		}
		return nil
	})
}

// resync asks all servers again and waits until they have answered.
func (s *site) resync(t *testing.T) {
	t.Helper()
	if _, stderr, code := s.Run(t, "resync", "--wait", "--timeout", "1m"); code != 0 {
		t.Fatalf("resync: exit %d: %s", code, stderr)
	}
}
