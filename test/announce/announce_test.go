//go:build linux

package announce

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lqserver"
)

// leasesVariable names the environment variable with the number of leases; the
// default is small enough for every run of the tests.
const leasesVariable = "LEASEROUTE_ANNOUNCE"

// recoveries is how often the router loses its routes and gets them back.
const recoveries = 5

func leases(t *testing.T) int {
	t.Helper()
	text := os.Getenv(leasesVariable)
	if text == "" {
		return 10_000
	}
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

// TestFRR (DESIGN.md rule 8) has FRR announce exactly the routes of the kernel.
func TestFRR(t *testing.T) {
	testDaemon(t, func(s *site) error {
		_, err := s.Router.FRR(context.Background(), s.Lab, s.tree, documented(t, "frr"))
		return err
	})
}

// TestBIRD (DESIGN.md rule 8) has BIRD announce exactly the routes of the
// kernel.
func TestBIRD(t *testing.T) {
	testDaemon(t, func(s *site) error {
		_, err := s.Router.BIRD(context.Background(), s.Lab, s.tree, documented(t, "bird"))
		return err
	})
}

// testDaemon starts a routing daemon and then takes the router's routes away
// and has them come back, several times; half of them are withdrawn at once
// each time before.
func testDaemon(t *testing.T, start func(*site) error) {
	n := leases(t)
	s := newSite(t, n, 4*time.Minute+time.Duration(n/10_000)*time.Minute)
	must(t, start(s))
	for i := range recoveries {
		s.Start(t)
		plain := *s.Recovered(t).RecoveredAfterSeconds
		more := s.announced(t, n)
		st := s.Status(t)
		t.Logf("recovery %d: %d routes in the kernel after %.2f s, announced %.2f s later; %s", i+1, n, plain, more.Seconds(), lost(st))

		s.server.SetFaults(lqserver.Faults{ZeroValid: true, Every: 2})
		began := time.Now()
		if _, stderr, code := s.Run(t, "resync", "--wait"); code != 0 {
			t.Fatalf("resync: exit %d, %s", code, stderr)
		}
		s.Wait(t, "withdrawal", func(st control.Status) bool { return st.RoutesInstalled == n/2 && st.ChangesPending == 0 })
		took := time.Since(began)
		more = s.announced(t, n/2)
		t.Logf("withdrawal %d: %d routes gone from the kernel after %.2f s, their announcements %.2f s later; %s", i+1, n/2, took.Seconds(), more.Seconds(), lost(s.Status(t)))
		s.server.SetFaults(lqserver.Faults{})

		s.Stop(t)
		must(t, os.RemoveAll(s.Path("state")))
		must(t, s.Router.IP(t.Context(), "route flush proto 158"))
	}
}

// lost says what routing daemons have lost since leaseroute's start, and what
// was done about it.
func lost(s control.Status) string {
	return fmt.Sprintf("%d messages lost so far, all told again %d times", s.Counters["listener_drops"], s.Counters["announce_passes"])
}
