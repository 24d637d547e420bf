//go:build linux

package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// TestMistakes runs commands that can't succeed: nothing goes to stdout, one
// message to stderr, and the exit code says whose mistake it was.
func TestMistakes(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	bad := s.Path("bad.yaml")
	must(t, os.WriteFile(bad, []byte(config(dhcp1("dialect: klingon"), "delegaton: { allowed: [] }",
		`delegation: { allowed: ["2001:db8::1/33"], lengths: "64-48" }`, "routes: { metric: 0, table: 254 }")), 0o600))
	wrong := []string{
		"bad.yaml: delegaton: unknown key, did you mean delegation?",
		"bad.yaml: servers[0].dialect: ", "bad.yaml: delegation.allowed[0]: has host bits set",
		"bad.yaml: delegation.lengths: ", "bad.yaml: routes.metric: ",
	}
	tests := []struct {
		name string
		args []string
		code int
		want []string // of stderr
	}{
		{"check tells all faults at once", []string{"check", "-c", bad}, 2, wrong},
		{"so does run", []string{"run", "-c", bad}, 2, wrong},
		{"and what asks the daemon", []string{"status", "-c", bad}, 2, wrong},
		{"a configuration that is not there", []string{"run", "-c", s.Path("none.yaml")}, 2, []string{"none.yaml: no such file or directory", "-c"}},
		{"a configuration that is a folder", []string{"check", "-c", s.Dir}, 2, []string{"is a directory"}},
		{"a flag's value", []string{"run", "--log-level", "loud"}, 2, []string{"flag --log-level", `"loud"`}},
		{"a command that is none", []string{"restart"}, 2, []string{`unknown command "restart"`}},
		{"a flag that is none", []string{"status", "--jason"}, 2, []string{"unknown flag: --jason", "leaseroute status --help"}},
		{"an argument too many", []string{"status", "now"}, 2, []string{`unknown command "now"`}},
		{"an argument too few", []string{"explain"}, 2, []string{"accepts 1 arg"}},
		{"wait for nothing", []string{"wait"}, 2, []string{"say what to wait for: --recovered"}},
		{"no daemon", []string{"status"}, 1, []string{"no daemon answers on " + s.Path("control.sock"), "leaseroute run", "-c"}},
		{"no daemon to wait for", []string{"wait", "--recovered"}, 1, []string{"no daemon answers"}},
		{"no daemon within a time", []string{"wait", "--recovered", "--timeout", "100ms"}, 1, []string{"no daemon answered within 100ms"}},
		{"no server", []string{"query", "--server", "2001:db8:0:1::1", "--link", "2001:db8:1::1"}, 1, []string{"nothing listens there"}},
		{"a demonstration for nobody", []string{"demo", "--subscribers", "0"}, 2, []string{"--subscribers 0: want 1 to"}},
		{"a demonstration for less than nobody", []string{"demo", "--subscribers=-1"}, 2, []string{"--subscribers -1: want 1 to"}},
		{"a demonstration with another server", []string{"demo", "--server", "dibbler"}, 2, []string{`--server "dibbler": choose simulated or kea`}},
		{"a fault that a server can't have", []string{"simulate", "--fault", "hiccup"}, 2, []string{`fault "hiccup": no such name`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, code := s.Run(t, tt.args...)
			if code != tt.code || stdout != "" {
				t.Errorf("exit %d, want %d; stdout %q; stderr %q", code, tt.code, stdout, stderr)
			}
			for _, w := range tt.want {
				if !strings.Contains(stderr, w) {
					t.Errorf("stderr does not say %q, but\n%s", w, stderr)
				}
			}
		})
	}
}

// TestSecondInstance starts the daemon twice, and after it was killed.
func TestSecondInstance(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	lease := s.lease(1, "2001:db8:8000:100::/56", 0)
	s.serve(t, 547, s.list(lease), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	first := s.Process()
	_, stderr, code := s.Run(t, "run")
	if want := fmt.Sprintf("control socket %s: another leaseroute is running as process %d: stop it first", s.Path("control.sock"), first.Pid()); code != 1 || !strings.Contains(stderr, want) {
		t.Errorf("a second one ends with %d and says %q; want 1 and %q", code, stderr, want)
	}
	_, stderr, code = s.Run(t, "run", "--control-socket", s.Path("other.sock"), "--state-dir", s.Path("other"))
	if want := fmt.Sprintf("routes of protocol 158 in table 254: another leaseroute is running as process %d: stop it first", first.Pid()); code != 1 || !strings.Contains(stderr, want) {
		t.Errorf("one with another socket ends with %d and says %q; want 1 and %q", code, stderr, want)
	}
	precious := s.Path("precious")
	must(t, os.WriteFile(precious, []byte("data"), 0o600))
	_, stderr, code = s.Run(t, "run", "--control-socket", precious)
	if _, err := os.Stat(precious); code != 1 || err != nil || !strings.Contains(stderr, precious+" is there, and is no socket") {
		t.Errorf("with a file as its socket it ends with %d and says %q; the file: %v", code, stderr, err)
	}
	s.settled(t)
	s.exact(t, s.fibOf(lease))

	s.Kill()
	if _, err := os.Stat(s.Path("control.sock")); err != nil {
		t.Fatalf("a killed daemon leaves its socket: %v", err)
	}
	s.Start(t)
	s.settled(t)
	s.exact(t, s.fibOf(lease))
	s.Stop(t)
}

// TestRelayID makes a relay-id, keeps it, and refuses one that it can't read.
func TestRelayID(t *testing.T) {
	t.Parallel()
	s := newSite(t, strings.ReplaceAll(config(dhcp1()), fmt.Sprintf("relay_id: %q", relayID), "relay_id: auto"))
	if stdout, _, code := s.Run(t, "check"); code != 0 || !strings.Contains(stdout, "made at the first start, and kept in "+s.Path("state")) {
		t.Errorf("check: exit %d, %s", code, stdout)
	}
	lease := s.lease(1, "2001:db8:8000:100::/56", 0)
	s.serve(t, 547, s.list(lease), lqserver.Options{})
	s.Start(t)
	made := s.settled(t).RelayID
	if !regexp.MustCompile("^00:04(:[0-9a-f]{2}){16}$").MatchString(made) {
		t.Errorf("C118: relay-id %s, want a DUID-UUID", made)
	}
	if stdout, _, _ := s.Run(t, "check"); !strings.Contains(stdout, made) {
		t.Errorf("C118: check does not show %s, but\n%s", made, stdout)
	}
	s.Stop(t)
	s.Start(t)
	if again := s.settled(t).RelayID; again != made {
		t.Errorf("C118: the relay-id was %s, and is %s after a restart", made, again)
	}
	s.Stop(t)

	file := s.Path("state/relay-id")
	must(t, os.WriteFile(file, []byte("not a DUID\n"), 0o600))
	for _, command := range []string{"run", "check"} {
		_, stderr, code := s.Run(t, command)
		if code != 1 || !strings.Contains(stderr, file+" does not hold a DUID") || !strings.Contains(stderr, "restore it, set relay_id, or remove the file") {
			t.Errorf("C119: %s ends with %d and says %q", command, code, stderr)
		}
	}
	s.exact(t, s.fibOf(lease))
}

// TestNoInterface starts before there is any interface towards subscribers.
func TestNoInterface(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1("queries: [link-address]"), `interfaces: { access: ["ppp*"], core: ["core0"] }`))
	lease := s.lease(1, "2001:db8:8000:100::/56", 0)
	s.serve(t, 547, s.list(lease), lqserver.Options{})
	stdout, _, code := s.Run(t, "check")
	if code != 0 || !strings.Contains(stdout, "none now (ppp*); used as soon as one appears") {
		t.Errorf("check: exit %d\n%s", code, stdout)
	}
	s.Start(t)
	s.WaitLine(t, regexp.MustCompile("no access interface has a global address yet"))
	st := s.status(t, func(st control.Status) error {
		if st.Servers[0].Error == "" {
			return fmt.Errorf("the server has no error")
		}
		return nil
	})
	if !strings.Contains(st.Servers[0].Error, "no access interface has a global address") || st.State != "recovering" {
		t.Errorf("state %s, error %q; want recovering, for want of an interface", st.State, st.Servers[0].Error)
	}
	if _, stderr, code := s.Run(t, "resync", "--interface", "ppp0"); code != 1 || !strings.Contains(stderr, "interface ppp0: no link-address to ask for") {
		t.Errorf("resync of an interface that is not there: exit %d, %q", code, stderr)
	}
	must(t, s.Router.IP(t.Context(), "link set acc0 down", "link set acc0 name ppp0", "link set ppp0 up",
		fmt.Sprintf("address add %s/64 dev ppp0 nodad", s.Access[0].Address)))
	s.settled(t)
	s.holds(t, fib{lease.Prefix: lab.Route{Prefix: lease.Prefix, Gateway: peer(1), Dev: "ppp0"}})
	s.Stop(t)
}
