//go:build linux

package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// clients is how many clients the server of a fault test has: its answer is a
// REPLY, clients-1 DATA and a DONE.
const clients = 20

// A fault is what a server does wrong, and what becomes of it.
type fault struct {
	name   string   // with the rule
	knobs  []string // as on the command line
	config []string // more of the server's entry
	lines  []string // more of the configuration
	plan   func(*lqserver.Plan)
	server lqserver.Options

	// live are the clients whose leases are not over; nil: all.
	live func(i int) bool
	// struck are those of them whose routes are there with the fault, at boot;
	// nil: all. With loose it may be fewer: what is lost with a connection is
	// a matter of chance. changed says how their routes differ; nil: not.
	struck  func(i int) bool
	loose   bool
	changed func(lab.Route) lab.Route
	// lasting: what the server said cannot be unsaid by the old leases alone.
	lasting bool

	// breaks: a round can't be completed, and is tried again; error is what
	// the operator reads meanwhile.
	breaks bool
	error  string

	counters map[string]uint64 // at least, after one round
	log      string            // a line of the log; empty: none is asked for
}

func nobody(int) bool { return false }

// first is for an answer that ends after n messages with a client each.
func first(n int) func(int) bool { return func(i int) bool { return i < n } }

// but leaves out each n-th client, the n-th being the first of them.
func but(n int) func(int) bool { return func(i int) bool { return (i+1)%n != 0 } }

// TestFaults boots with each fault, ends it, and lets it come again. No knob of
// the simulated server is left out.
func TestFaults(t *testing.T) {
	all := slices.Concat(connectionFaults(), streamFaults(), orderFaults(), statusFaults(), sequenceFaults(), bindingFaults())
	var knobs []string
	for _, f := range all {
		knobs = append(knobs, f.knobs...)
	}
	for _, f := range datagramFaults() {
		knobs = append(knobs, f.knobs...)
	}
	complete(t, knobs)
	for _, f := range all {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.run(t)
		})
	}
}

// complete holds the knobs that tests turn against the list of them.
func complete(t *testing.T, knobs []string) {
	t.Helper()
	tested := map[string]bool{"times": true} // see heal
	for _, k := range knobs {
		name, _, _ := strings.Cut(k, "=")
		tested[name] = true
	}
	for _, k := range lqserver.Knobs() {
		if !tested[k.Name] {
			t.Errorf("no test has a server with the fault %s (%s)", k.Name, k.Help)
		}
	}
}

// A trial is one fault at one site.
type trial struct {
	*site
	fault
	server *lqserver.Server
	well   fib // what is routed when the server is well
}

func (f fault) run(t *testing.T) {
	s := newSite(t, config(append([]string{dhcp1(f.config...)}, f.lines...)...))
	g := s.generate(t, clients, f.plan)
	f.server.Faults = knobsOf(t, f.knobs)
	server, _ := s.serve(t, 547, g, f.server)
	tr := &trial{site: s, fault: f, server: server}
	live := s.chosen(g, f.live)
	tr.well = live
	s.Start(t)
	tr.suffer(t, f.routes(s.chosen(g, f.struck)))
	tr.recover(t)
	if f.breaks {
		tr.heal(t)
	}
	tr.leakNothing(t)
	s.Stop(t)
	s.exact(t, tr.well)
}

// chosen are the routes of those clients that are picked; nil: all.
func (s *site) chosen(g *lqserver.Generated, pick func(i int) bool) fib {
	out := make(fib)
	for i := range clients {
		if pick != nil && !pick(i) {
			continue
		}
		for _, b := range g.Leases(i) {
			out[b.Prefix] = s.routeOf(b)
		}
	}
	return out
}

// routes are want as the fault changes them.
func (f fault) routes(want fib) fib {
	if f.changed == nil {
		return want
	}
	out := make(fib)
	for _, r := range want {
		r = f.changed(r)
		out[r.Prefix] = r
	}
	return out
}

// knobsOf reads a fault's knobs, and more.
func knobsOf(t *testing.T, knobs []string, more ...string) lqserver.Faults {
	t.Helper()
	var f lqserver.Faults
	for _, k := range slices.Concat(knobs, more) {
		must(t, lqserver.ParseFault(k, &f))
	}
	return f
}

// suffer checks what the fault does to a boot.
func (tr *trial) suffer(t *testing.T, want fib) {
	t.Helper()
	if tr.breaks {
		tr.failing(t)
	} else {
		tr.settled(t)
	}
	for name, n := range tr.counters {
		tr.counted(t, name, n)
	}
	if tr.log != "" {
		_, err := tr.Process().WaitLine(tr.ctx, regexp.MustCompile(tr.log))
		must(t, err)
	}
	if !tr.loose {
		tr.holds(t, want)
		return
	}
	for p, r := range tr.Routes(t) {
		if want[p] != r {
			t.Errorf("there is a route to %s via %s dev %s, which was not reported", p, r.Gateway, r.Dev)
		}
	}
}

// failing waits until a round has broken off, and checks what is said of it.
func (tr *trial) failing(t *testing.T) {
	t.Helper()
	st := tr.broken(t, 1)
	if got := st.Servers[0].Error; !regexp.MustCompile(tr.error).MatchString(got) {
		t.Errorf("the error is %q, want %q", got, tr.error)
	}
	if st.State != "recovering" || st.RecoveredAfterSeconds != nil || st.Servers[0].NextTry == nil {
		t.Errorf("R55: state %s, recovered after %v, next try %v; want recovering, with a next try",
			st.State, st.RecoveredAfterSeconds, st.Servers[0].NextTry)
	}
}

// broken waits until so many rounds have broken off since the start, and the
// next one has not begun.
func (tr *trial) broken(t *testing.T, rounds uint64) control.Status {
	t.Helper()
	return tr.status(t, func(st control.Status) error {
		if got := st.Counters["rounds_broken"]; got < rounds || st.Servers[0].State != "failed" {
			return fmt.Errorf("%d rounds have broken off, want %d", got, rounds)
		}
		return nil
	})
}

// recover ends the fault: all is well after the next round.
func (tr *trial) recover(t *testing.T) {
	t.Helper()
	tr.server.SetFaults(lqserver.Faults{})
	tr.resync(t)
	if tr.lasting {
		tr.well = tr.Routes(t)
	}
	tr.settled(t)
	tr.holds(t, tr.well)
}

// heal has the fault strike once: the next try succeeds without anybody's
// help, and what was there stays meanwhile.
func (tr *trial) heal(t *testing.T) {
	t.Helper()
	tr.server.SetFaults(knobsOf(t, tr.knobs, "times=1"))
	tr.resync(t)
	if n := tr.server.Stats().Faulty; n != 1 {
		t.Errorf("the fault has struck %d times, want 1", n)
	}
	tr.holds(t, tr.well)
}

// leakNothing has the fault strike again: afterwards the daemon has as many
// files open and goroutines running as before, and has kept its routes.
func (tr *trial) leakNothing(t *testing.T) {
	t.Helper()
	before, broken := tr.resources(t), tr.Status(t).Counters["rounds_broken"]
	tr.server.SetFaults(knobsOf(t, tr.knobs))
	if tr.breaks {
		if _, stderr, code := tr.Run(t, "resync"); code != 0 {
			t.Fatalf("resync: exit %d: %s", code, stderr)
		}
		tr.broken(t, broken+1)
		tr.exact(t, tr.well)
	} else {
		tr.resync(t)
	}
	tr.recover(t)
	tr.calm(t, before)
}
