//go:build linux

package announce

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
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
func TestFRR(t *testing.T) { testDaemon(t, startFRR) }

// TestBIRD (DESIGN.md rule 8) has BIRD announce exactly the routes of the
// kernel.
func TestBIRD(t *testing.T) { testDaemon(t, startBIRD) }

func startFRR(t *testing.T, s *site) {
	t.Helper()
	_, err := s.Router.FRR(context.Background(), s.Lab, s.tree, documented(t, "frr"))
	must(t, err)
}

func startBIRD(t *testing.T, s *site) {
	t.Helper()
	_, err := s.Router.BIRD(context.Background(), s.Lab, s.tree, documented(t, "bird"))
	must(t, err)
}

// testDaemon starts a routing daemon and then takes the router's routes away
// and has them come back, several times; half of them are withdrawn at once
// each time before.
func testDaemon(t *testing.T, start func(*testing.T, *site)) {
	n := leases(t)
	s := newSite(t, n, patience(n))
	start(t, s)
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

// TestKilled (DESIGN.md rule 8) kills leaseroute while it tells BIRD again: the
// next run, which finds all routes in place, goes on with that.
func TestKilled(t *testing.T) {
	const n = 10_000
	s := newSite(t, n, patience(n))
	startBIRD(t, s)
	s.Configure(t, daemon.Config(relayID, "routes: { announce_rate: 100 }"))
	s.Start(t)
	s.Wait(t, "repeats", func(st control.Status) bool { return st.Announcing.State == "repeating" })
	s.until(t, "the note for the next run", func() (bool, error) {
		_, err := os.Stat(s.Path("state/unheard"))
		return err == nil, err
	})
	s.Kill()
	s.Configure(t, daemon.Config(relayID))
	s.Start(t)
	s.Recovered(t)
	s.announced(t, n)
	s.until(t, "the note to go", func() (bool, error) {
		_, err := os.Stat(s.Path("state/unheard"))
		return errors.Is(err, fs.ErrNotExist), err
	})
	if c := s.Status(t).Counters; c["routes_installed"] != 0 || c["announce_repeats"] < n {
		t.Errorf("%d routes installed, %d repeated; want 0 and at least %d", c["routes_installed"], c["announce_repeats"], n)
	}
	s.Stop(t)
}

// TestLinkDown (DESIGN.md rule 8) has half of the routes go with their link,
// which the kernel does all at once and by itself, and come back with it.
func TestLinkDown(t *testing.T) {
	for name, start := range map[string]func(*testing.T, *site){"FRR": startFRR, "BIRD": startBIRD} {
		t.Run(name, func(t *testing.T) {
			n := leases(t)
			s := newSite(t, n, patience(n))
			start(t, s)
			s.Start(t)
			s.Recovered(t)
			s.announced(t, n)
			must(t, s.Router.IP(t.Context(), "link set acc1 down"))
			more := s.announced(t, n/2)
			t.Logf("link down: announced exactly after %.2f s; %s", more.Seconds(), lost(s.Status(t)))
			must(t, s.Router.IP(t.Context(), "link set acc1 up"))
			more = s.announced(t, n)
			t.Logf("link up: announced exactly after %.2f s; %s", more.Seconds(), lost(s.Status(t)))
			s.Stop(t)
		})
	}
}

// TestWait has BIRD, which reaches the servers, begin to announce only when the
// routes are back, as the documentation says.
func TestWait(t *testing.T) {
	const few = 100
	s := newSite(t, few, patience(few))
	config := strings.Replace(documented(t, "bird"), "protocol kernel {", "protocol kernel delegated {\n  disabled;", 1)
	bird, err := s.Router.BIRD(context.Background(), s.Lab, s.tree, config)
	must(t, err)
	s.Start(t)
	if _, stderr, code := s.Run(t, "wait", "--recovered", "--timeout", "1m"); code != 0 {
		t.Fatalf("wait: exit %d, %s", code, stderr)
	}
	if n, err := s.peer.Count(s.ctx, "edge"); n != 0 || err != nil {
		t.Errorf("%d prefixes are announced before that is wanted (%v)", n, err)
	}
	must(t, bird.Enable(s.ctx, "delegated"))
	s.announced(t, few)
	s.Stop(t)
}

// patience is how long a site with so many leases may be used.
func patience(leases int) time.Duration {
	return 4*time.Minute + time.Duration(leases/10_000)*time.Minute
}

// lost says what routing daemons have lost since leaseroute's start, and what
// was done about it.
func lost(s control.Status) string {
	return fmt.Sprintf("%d messages lost so far, all told again %d times", s.Counters["listener_drops"], s.Counters["announce_passes"])
}
