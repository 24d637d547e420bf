//go:build linux

// Package daemon runs the built leaseroute in a lab, and asks it what it
// knows, as an operator would: by its commands and its control socket.
package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

// Protocol marks the daemon's routes in the kernel.
const Protocol = 158

const (
	// glance is how often a test that waits looks at the daemon.
	glance = 20 * time.Millisecond
	// patience is for what should take seconds, on a machine that is busy.
	patience = 2 * time.Minute
)

var (
	once   sync.Once
	binary string
	built  error
)

// Binary builds leaseroute once for each test program, with the race detector
// if LEASEROUTE_TEST_RACE is 1, and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	once.Do(func() { binary, built = build() })
	if built != nil {
		t.Fatal(built)
	}
	return binary
}

func build() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "..", "..")
	dir, err := os.MkdirTemp("", "leaseroute-test-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "leaseroute")
	args := []string{"build", "-o", path}
	if os.Getenv("LEASEROUTE_TEST_RACE") == "1" {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/leaseroute")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build leaseroute: %w: %s", err, out)
	}
	return path, nil
}

// A Daemon is leaseroute on the router of an edge. It may be started again
// after it has ended.
type Daemon struct {
	edge    *lab.Edge
	binary  string
	config  string
	socket  string
	client  *control.Client // one for all: the daemon bounds its connections
	process *lab.Process    // nil before the first start
}

// New prepares a daemon with a configuration in YAML. The lines state_dir and
// control are added to it.
func New(t testing.TB, e *lab.Edge, yaml string) *Daemon {
	t.Helper()
	labtest.NeedRoot(t)
	d := &Daemon{edge: e, binary: Binary(t), config: e.Path("leaseroute.yaml"), socket: e.Path("control.sock")}
	d.client = control.NewClient(d.socket)
	d.Configure(t, yaml)
	return d
}

// Configure replaces the configuration: it counts from the next start on.
func (d *Daemon) Configure(t testing.TB, yaml string) {
	t.Helper()
	yaml += fmt.Sprintf("\nstate_dir: %s\ncontrol: { socket: %s }\n", d.edge.Path("state"), d.socket)
	if err := os.WriteFile(d.config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Config is a configuration for an edge with one server at lab.ServerAddress,
// known to it by relayID in hex; extra YAML lines follow.
func Config(relayID string, extra ...string) string {
	return fmt.Sprintf(`relay_id: %q
interfaces: { access: ["acc*"], core: ["core0"] }
servers:
  - { name: dhcp1, address: "[%s]:547", source: %q }
%s
`, relayID, lab.ServerAddress, lab.RouterAddress, strings.Join(append(extra, delegation(extra)), "\n"))
}

// delegation is the section delegation, unless extra has one.
func delegation(extra []string) string {
	for _, e := range extra {
		if strings.HasPrefix(e, "delegation:") {
			return ""
		}
	}
	return fmt.Sprintf("delegation: { allowed: [%q] }", lab.Delegated)
}

// Start starts the daemon and returns at once.
func (d *Daemon) Start(t testing.TB, args ...string) *lab.Process {
	t.Helper()
	// Not t.Context: the daemon lives as long as its lab.
	cmd := d.edge.Router.Command(context.Background(), d.binary, append([]string{"run", "-c", d.config}, args...)...)
	p, err := d.edge.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	d.process = p
	return p
}

// Process is the daemon's process, for its output and its number.
func (d *Daemon) Process() *lab.Process { return d.process }

// Kill ends the daemon at once (SIGKILL).
func (d *Daemon) Kill() { d.process.Kill() }

// Stop asks the daemon to end and returns how it did.
func (d *Daemon) Stop(t testing.TB) {
	t.Helper()
	if err := d.process.Stop(t.Context()); err != nil {
		t.Errorf("stop the daemon: %v; it printed:\n%s", err, d.process.Output())
	}
}

// Signal sends the daemon a signal.
func (d *Daemon) Signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := d.process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// Client asks the daemon.
func (d *Daemon) Client() *control.Client { return d.client }

// Run runs another command of leaseroute on the router, and returns what it
// printed and its exit code.
func (d *Daemon) Run(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := d.edge.Router.Command(t.Context(), d.binary, append(args, "-c", d.config)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// Status asks for the daemon's status.
func (d *Daemon) Status(t testing.TB) control.Status {
	t.Helper()
	var s control.Status
	if err := d.client.Get(t.Context(), "/v1/status", nil, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// Bindings asks for all bindings, by prefix.
func (d *Daemon) Bindings(t testing.TB) map[string]control.Binding {
	t.Helper()
	var all []control.Binding
	if err := d.client.Get(t.Context(), "/v1/bindings", nil, &all); err != nil {
		t.Fatal(err)
	}
	out := make(map[string]control.Binding, len(all))
	for _, b := range all {
		out[b.Prefix] = b
	}
	return out
}

// Wait looks at the daemon until its status satisfies done. The test fails
// when that takes longer than patience, or when the daemon ends.
func (d *Daemon) Wait(t testing.TB, what string, done func(control.Status) bool) control.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for last := (control.Status{}); ; {
		var s control.Status
		err := d.client.Get(ctx, "/v1/status", nil, &s)
		if err == nil && done(s) {
			return s
		}
		if err == nil {
			last = s
		}
		select {
		case <-tick.C:
		case <-d.process.Ended():
			t.Fatalf("the daemon ended while %s was waited for; it printed:\n%s", what, d.process.Output())
		case <-ctx.Done():
			t.Fatalf("%s: %v (%v); the last status was %+v", what, ctx.Err(), err, last)
		}
	}
}

// Recovered waits for the end of the recovery.
func (d *Daemon) Recovered(t testing.TB) control.Status {
	t.Helper()
	return d.Wait(t, "recovery", func(s control.Status) bool { return s.State == "recovered" })
}

// Settled waits until the recovery is over and no suspect is left.
func (d *Daemon) Settled(t testing.TB) control.Status {
	t.Helper()
	return d.Wait(t, "recovery without suspects", func(s control.Status) bool {
		return s.State == "recovered" && s.ByState["suspect"] == 0 && s.ByState["pending"] == 0
	})
}

// WaitLine waits until the daemon prints a line that matches.
func (d *Daemon) WaitLine(t testing.TB, want *regexp.Regexp) []string {
	t.Helper()
	m, err := d.process.WaitLine(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Routes are the daemon's routes in the router's kernel, by prefix, without
// the covering ones.
func (d *Daemon) Routes(t testing.TB) map[netip.Prefix]lab.Route {
	t.Helper()
	all, err := d.edge.Router.Routes(Protocol)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[netip.Prefix]lab.Route, len(all))
	for _, r := range all {
		if !r.Blackhole {
			out[r.Prefix] = r
		}
	}
	return out
}
