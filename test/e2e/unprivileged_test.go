//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// A user of its own, as the package makes one. Its group may use the control
// socket.
const (
	ownUser  = 64201
	ownGroup = 64202
)

// rights are what the unit grants, and its bounding set.
const rights = "net_admin,net_raw,net_bind_service"

// mask is what the kernel calls them (capabilities(7)).
const mask = 1<<10 | 1<<12 | 1<<13

// startUnprivileged starts the daemon as a user of its own with no more than
// these capabilities, as its unit would.
func (s *site) startUnprivileged(t *testing.T, caps ...string) *lab.Process {
	t.Helper()
	must(t, os.MkdirAll(s.Path("state"), 0o750))
	must(t, os.Chown(s.Path("state"), ownUser, ownGroup))
	must(t, os.Chmod(s.Dir, 0o777)) // the control socket is made there
	must(t, os.Chmod(filepath.Dir(daemon.Binary(t)), 0o755))
	must(t, os.Chmod(s.Path("leaseroute.yaml"), 0o644))
	grant := "-all"
	for _, c := range caps {
		grant += ",+" + c
	}
	p, err := s.Edge.Start(s.Router.Command(s.ctx, "setpriv",
		fmt.Sprintf("--reuid=%d", ownUser), fmt.Sprintf("--regid=%d", ownGroup), "--clear-groups", "--no-new-privs",
		"--bounding-set="+grant, "--inh-caps="+grant, "--ambient-caps="+grant,
		daemon.Binary(t), "run", "-c", s.Path("leaseroute.yaml")))
	must(t, err)
	return p
}

// asks runs a command as somebody, and returns what it printed and how it
// ended.
func (s *site) asks(t *testing.T, user, group int, args ...string) (string, error) {
	t.Helper()
	out, err := s.Router.Command(s.ctx, "setpriv", append([]string{
		fmt.Sprintf("--reuid=%d", user), fmt.Sprintf("--regid=%d", group), "--clear-groups",
		daemon.Binary(t), "-c", s.Path("leaseroute.yaml"),
	}, args...)...).CombinedOutput()
	return string(out), err
}

// leasesOf serves two leases, the second of which is told only when asked for
// by its address, over UDP.
func (s *site) leasesOf(t *testing.T) (told, asked lqserver.Binding) {
	t.Helper()
	told, asked = s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 1)
	asked.Withheld = true
	packets, err := s.Server.ListenPacket("udp", "[::]:547")
	must(t, err)
	s.serve(t, 547, s.list(told, asked), lqserver.Options{Packets: packets})
	return told, asked
}

// line finds a line of a file such as those in /proc.
func line(t *testing.T, path, beginning string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	for l := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(l, beginning); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatalf("%s has no line %q", path, beginning)
	return ""
}

// TestUnprivileged runs the daemon as a user of its own with three
// capabilities: all that root's daemon does, it does.
func TestUnprivileged(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	told, asked := s.leasesOf(t)
	p := s.startUnprivileged(t, strings.Split(rights, ",")...)
	_, err := p.WaitLine(s.ctx, regexp.MustCompile("msg=recovered"))
	must(t, err)
	proc := fmt.Sprintf("/proc/%d/", p.Pid())
	if got := line(t, proc+"status", "CapEff:"); got != fmt.Sprintf("%016x", mask) {
		t.Errorf("it runs with the capabilities %s, want %x", got, mask)
	}
	s.exact(t, s.fibOf(told))
	if packets, err := os.ReadFile(proc + "net/packet"); err != nil || strings.Count(string(packets), "\n") < 2 {
		t.Errorf("it does not watch DHCP traffic: %v, %s", err, packets)
	}
	if st := s.Status(t); st.OnDemand.State != "armed" || st.Servers[0].Lookup != "ready" {
		t.Errorf("on demand is %s (%s), lookups are %s (%s)", st.OnDemand.State, st.OnDemand.Error, st.Servers[0].Lookup, st.Servers[0].LookupError)
	}
	t.Run("a member of its group asks it about an address", func(t *testing.T) {
		if out, err := s.asks(t, ownUser+10, ownGroup, "lookup", asked.Prefix.Addr().Next().String()); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		s.holds(t, s.fibOf(told, asked))
	})
	t.Run("nobody else does", func(t *testing.T) {
		out, err := s.asks(t, ownUser+10, ownGroup+10, "status")
		if err == nil || !strings.Contains(out, "may not use "+s.Path("control.sock")+": be root or a member of its group") {
			t.Errorf("%v: %s", err, out)
		}
	})
	must(t, p.Stop(s.ctx))
	if out := p.Output(); strings.Contains(out, "level=error") || strings.Contains(out, "level=warn") {
		t.Errorf("it complained:\n%s", out)
	}
	s.exact(t, s.fibOf(told, asked))
}

// TestMissingCapability leaves out one at a time: one line says what that
// costs, and all else works.
func TestMissingCapability(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, without string
		want          string
		lost          func(control.Status) bool
	}{
		{"without CAP_NET_RAW nothing is gleaned", "net_raw",
			"CAP_NET_RAW", func(st control.Status) bool { return st.Servers[0].Lookup == "ready" }},
		{"without CAP_NET_BIND_SERVICE nothing is asked over UDP", "net_bind_service",
			"CAP_NET_BIND_SERVICE is needed for a port below 1024", func(st control.Status) bool {
				return st.Servers[0].Lookup == "closed" && strings.Contains(st.Servers[0].LookupError, "CAP_NET_BIND_SERVICE")
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, config(dhcp1()))
			told, _ := s.leasesOf(t)
			var caps []string
			for c := range strings.SplitSeq(rights, ",") {
				if c != tt.without {
					caps = append(caps, c)
				}
			}
			p := s.startUnprivileged(t, caps...)
			_, err := p.WaitLine(s.ctx, regexp.MustCompile("msg=recovered"))
			must(t, err)
			s.exact(t, s.fibOf(told))
			if st := s.Status(t); st.OnDemand.State != "armed" || !tt.lost(st) {
				t.Errorf("on demand is %s (%s), lookups are %s (%s)", st.OnDemand.State, st.OnDemand.Error, st.Servers[0].Lookup, st.Servers[0].LookupError)
			}
			must(t, p.Stop(s.ctx))
			if n := strings.Count(p.Output(), "level=error") + strings.Count(p.Output(), "level=warn"); n != 1 || !strings.Contains(p.Output(), tt.want) {
				t.Errorf("want one complaint, with %q; it said:\n%s", tt.want, p.Output())
			}
		})
	}
}

// TestPowerless starts as a user who may not write routes.
func TestPowerless(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	p := s.startUnprivileged(t)
	var exit *exec.ExitError
	if err := p.Wait(s.ctx); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v, want exit code 1", err)
	}
	said := p.Output()
	if strings.Count(said, "\n") != 1 || !strings.Contains(said, "CAP_NET_ADMIN is needed") || !strings.Contains(said, "setcap cap_net_admin+ep") {
		t.Errorf("it said %q, want one line that names the capability and how to grant it", said)
	}
}
