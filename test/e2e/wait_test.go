//go:build linux

package e2e

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
		servers[i] = fmt.Sprintf("%s %s %q", v.Name, v.State, v.Error)
	}
	return fmt.Sprintf("%s, %v, without a route %v, counters %v, servers %v", s.State, s.ByState, s.Refused, s.Counters, servers)
}

// settled waits until the recovery is over and nothing is pending or in doubt.
func (s *site) settled(t *testing.T) control.Status {
	t.Helper()
	return s.status(t, func(st control.Status) error {
		if st.State != "recovered" || st.ChangesPending != 0 || st.ByState["suspect"] != 0 {
			return fmt.Errorf("not settled: %s, %v, %d changes pending", st.State, st.ByState, st.ChangesPending)
		}
		return nil
	})
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

// resync asks all servers again and waits until they have answered.
func (s *site) resync(t *testing.T) {
	t.Helper()
	if _, stderr, code := s.Run(t, "resync", "--wait", "--timeout", "1m"); code != 0 {
		t.Fatalf("resync: exit %d: %s", code, stderr)
	}
}
