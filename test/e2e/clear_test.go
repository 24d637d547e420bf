//go:build linux

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lqserver"
)

// TestClear (RFC 8987, O-2) clears by prefix, by address, by client and by
// interface. Asking the servers again brings nothing back.
func TestClear(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	one, two, three := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 0), s.lease(3, "2001:db8:8000:300::/56", 1)
	four, other := s.lease(4, "2001:db8:8000:400::/56", 1), s.lease(5, "2001:db8:7000:500::/56", 1)
	s.serve(t, 547, s.list(one, two, three, four, other), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	for _, tt := range []struct {
		name, args string
		said       string
		left       fib
	}{
		{"a prefix", "2001:db8:8000:100::/56 --yes", "cleared 1 binding(s) and 1 route(s)\n", s.fibOf(two, three, four)},
		{"once more", "2001:db8:8000:100::/56", "cleared 0 binding(s) and 0 route(s)\n", s.fibOf(two, three, four)},
		{"an address", "2001:db8:8000:2ff::7 -y", "cleared 1 binding(s) and 1 route(s)\n", s.fibOf(three, four)},
		{"a client", "--client " + duidOf(3) + " --yes", "cleared 1 binding(s) and 1 route(s)\n", s.fibOf(four)},
		{"an interface in a prefix where it has nothing", "2001:db8:8000::/40 --interface acc0", "cleared 0 binding(s) and 0 route(s)\n", s.fibOf(four)},
		{"an interface, with what has no route", "--interface acc1 --yes", "cleared 2 binding(s) and 1 route(s)\n", fib{}},
	} {
		stdout, stderr, code := s.Run(t, append([]string{"clear"}, strings.Fields(tt.args)...)...)
		if code != 0 || stderr != "" || stdout != tt.said {
			t.Errorf("%s: exit %d, %q, %q; want %q", tt.name, code, stdout, stderr, tt.said)
		}
		s.holds(t, tt.left)
	}
	s.explains(t, one.Prefix.String(), "no lease is held", "cleared by the operator [O-2]", "kernel: ")
	s.resync(t)
	st := s.settled(t)
	s.exact(t, fib{})
	if st.Bindings != 0 || st.Counters["bindings_cleared"] != 5 || st.Counters["tombstone_holds"] < 5 {
		t.Errorf("%d bindings, %d cleared, %d held by tombstones; want 0, 5, 5 or more",
			st.Bindings, st.Counters["bindings_cleared"], st.Counters["tombstone_holds"])
	}
	var done control.Cleared
	s.json(t, &done, "clear", "::/0")
	if done != (control.Cleared{}) {
		t.Errorf("clear with nothing there: %+v", done)
	}
	s.Stop(t)
}

// TestClearAsks clears nothing unless somebody says yes.
func TestClearAsks(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	lease := s.lease(1, "2001:db8:8000:100::/56", 0)
	s.serve(t, 547, s.list(lease), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"clear ::/0", 1, "clear 1 binding(s)? nobody is there to ask: say --yes; nothing was cleared"},
		{"clear", 2, "say what: a prefix, --client or --interface"},
		{"clear acc0", 2, `"acc0" is neither a prefix`},
		{"clear --interface eth9", 2, `interface "eth9": neither an access nor a core interface`},
		{"clear --client x", 2, `client "x": want a DUID in hex`},
	} {
		stdout, stderr, code := s.Run(t, strings.Fields(tt.args)...)
		if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit %d, %q, %q; want %d and %q", tt.args, code, stdout, stderr, tt.code, tt.want)
		}
	}
	answer := func(words string) string {
		command := fmt.Sprintf("%s -c %s clear %s", daemon.Binary(t), s.Path("leaseroute.yaml"), lease.Prefix)
		cmd := s.Router.Command(s.ctx, "script", "-qec", command, "/dev/null")
		cmd.Stdin = strings.NewReader(words + "\n")
		out, _ := cmd.Output() // the exit code is that of what was cleared
		return string(out)
	}
	if said := answer("n"); !strings.Contains(said, "clear 1 binding(s)? [y/N]") || !strings.Contains(said, "nothing was cleared") {
		t.Errorf("after n: %q", said)
	}
	s.exact(t, s.fibOf(lease))
	if said := answer("yes"); !strings.Contains(said, "cleared 1 binding(s) and 1 route(s)") {
		t.Errorf("after yes: %q", said)
	}
	s.holds(t, fib{})
	s.Stop(t)
}

// TestLogLevel changes the level at run time.
func TestLogLevel(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), "log: { level: warn }"))
	s.serve(t, 547, s.list(), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	level := func(args, want string) {
		t.Helper()
		if stdout, stderr, code := s.Run(t, append([]string{"log", "level"}, strings.Fields(args)...)...); code != 0 || stdout != want+"\n" {
			t.Errorf("log level %s: exit %d, %q, %q; want %s", args, code, stdout, stderr, want)
		}
	}
	level("", "warn")
	if strings.Contains(s.Process().Output(), "level=info") {
		t.Errorf("at warn it logs:\n%s", s.Process().Output())
	}
	level("debug", "debug")
	level("", "debug")
	s.WaitLine(t, regexp.MustCompile(`level=info msg="log level is changed" to=debug`))
	s.resync(t)
	s.WaitLine(t, regexp.MustCompile(`level=info msg="round complete"`))
	level("error", "error")
	var l control.LogLevel
	s.json(t, &l, "log", "level")
	if l.Level != "error" {
		t.Errorf("log level --json: %+v", l)
	}
	if _, stderr, code := s.Run(t, "log", "level", "loud"); code != 2 || !strings.Contains(stderr, `level "loud": choose error, warn, info, debug or trace`) {
		t.Errorf("log level loud: exit %d, %q", code, stderr)
	}
	s.Stop(t)
}
