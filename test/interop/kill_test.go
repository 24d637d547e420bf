//go:build linux

package interop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

const (
	// kills is how often leaseroute is killed in the middle of a recovery.
	kills = 50
	// answering is how many subscribers there are who answer pings.
	answering = 60
	// pingEvery is the pause between two pings, of all subscribers together.
	pingEvery = 2 * time.Millisecond
	// seedVariable names the environment variable that repeats a run.
	seedVariable = "LEASEROUTE_SEED"
)

// TestKilledAtRandomMoments kills leaseroute while it rebuilds the routes of a
// router that has lost everything. What it had installed goes on forwarding,
// and the next start adopts it and does the rest.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	s.guardKea(t)
	c := setup{server: []string{hurry}}
	d := s.recovered(t, c)
	r := random(t)
	m := moments{random: r, octets: s.gate.Passed(), routes: len(s.data.Live)}
	people := s.populate(t, r)
	t.Logf("a recovery is %d octets and %d routes; %d subscribers answer", m.octets, m.routes, len(people))
	var sum figures
	for i := range kills {
		name := fmt.Sprintf("R91 C114 kill %d %s", i+1, m.draw())
		if !t.Run(name, func(t *testing.T) { sum.add(s.killAndStart(t, d, m, people)) }) {
			break
		}
	}
	t.Logf("%d kills: %d to %d routes in the kernel at the moment of death; %d pings, %d lost; recovered %.3f s after the next start on average, %.3f s at most",
		sum.rounds, sum.fewest, sum.most, sum.pings.Sent, sum.pings.Lost(), sum.total/float64(sum.rounds), sum.slowest)
}

// killAndStart is one round: reboot, start, kill at the moment drawn, start.
// Now and then the second start is killed as well.
func (s *site) killAndStart(t *testing.T, d *daemon.Daemon, m moments, people []lab.Route) round {
	s.reboot(t)
	s.kernel.reset(t)
	s.startUntil(t, d, &m)
	stop := s.probe(t, s.kernel.now(), people)
	s.kill(d)
	have := len(s.kernel.now())
	if m.random.IntN(5) == 0 {
		t.Log("killed again", m.draw())
		s.startUntil(t, d, &m)
		s.kill(d)
	}
	d.Start(t)
	got := settled(t, d)
	s.exact(t)
	pings := stop()
	if pings.Lost() > 0 {
		t.Errorf("%d of %d pings to installed prefixes were lost", pings.Lost(), pings.Sent)
	}
	if p := s.kernel.sightings(t).withdrawn(s.live()); len(p) > 0 {
		t.Errorf("%d routes to live prefixes were withdrawn: %v", len(p), few(p))
	}
	t.Logf("%d routes at the moment of death; recovered %.3f s after the next start with %d route messages; %d pings",
		have, *got.RecoveredAfterSeconds, got.Counters["route_messages"], pings.Sent)
	return round{routes: have, pings: pings, after: *got.RecoveredAfterSeconds}
}

// startUntil starts leaseroute and returns at the moment drawn.
func (s *site) startUntil(t *testing.T, d *daemon.Daemon, m *moments) {
	t.Helper()
	m.arm(s)
	d.Start(t)
	m.wait(t, s)
}

// kill kills leaseroute, and drops what is on its way to it.
func (s *site) kill(d *daemon.Daemon) {
	d.Kill()
	s.gate.Cut()
}

// random returns a source whose seed is logged, and may be given.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv(seedVariable); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		must(t, err)
	}
	t.Logf("%s=%d", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// populate chooses subscribers at random and makes them answer.
func (s *site) populate(t *testing.T, r *rand.Rand) []lab.Route {
	t.Helper()
	var people []lab.Route
	for _, i := range r.Perm(len(s.data.Live))[:answering] {
		people = append(people, s.data.Live[i])
	}
	must(t, s.Answer(t.Context(), people...))
	return people
}

// probe pings those of the people whose routes are installed, until stop is
// called, which returns what became of the pings.
func (s *site) probe(t *testing.T, installed map[netip.Prefix]bool, people []lab.Route) (stop func() lab.ProbeResult) {
	t.Helper()
	var targets []netip.Addr
	for _, p := range people {
		if installed[p.Prefix] {
			targets = append(targets, p.Prefix.Addr().Next())
		}
	}
	if len(targets) == 0 {
		return func() lab.ProbeResult { return lab.ProbeResult{} }
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan lab.ProbeResult, 1)
	go func() {
		got, err := s.Server.Probe(ctx, pingEvery, targets...)
		if err != nil {
			t.Error(err)
		}
		result <- got
	}()
	return func() lab.ProbeResult {
		cancel()
		return <-result
	}
}
