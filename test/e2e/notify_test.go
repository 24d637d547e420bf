//go:build linux

package e2e

import (
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// A notified daemon talks to us as it would to systemd (sd_notify(3)).
type notified struct {
	*lab.Process
	socket *net.UnixConn
}

// startNotified starts the daemon; env are more variables that systemd would
// set.
func (s *site) startNotified(t *testing.T, env ...string) *notified {
	t.Helper()
	path := s.Path("notify.sock")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { socket.Close() })
	deadline, _ := s.ctx.Deadline()
	must(t, socket.SetReadDeadline(deadline))
	cmd := s.Router.Command(s.ctx, daemon.Binary(t), "run", "-c", s.Path("leaseroute.yaml"))
	cmd.Env = append(append(os.Environ(), "NOTIFY_SOCKET="+path), env...)
	p, err := s.Edge.Start(cmd)
	must(t, err)
	return &notified{p, socket}
}

// heard waits for a message with that beginning, and returns those before it.
func (n *notified) heard(t *testing.T, want string) (before []string) {
	t.Helper()
	for b := make([]byte, 4096); ; {
		size, err := n.socket.Read(b)
		if err != nil {
			t.Fatalf("waiting for %q: %v; it said %q", want, err, before)
		}
		if strings.HasPrefix(string(b[:size]), want) {
			return before
		}
		before = append(before, string(b[:size]))
	}
}

func isReady(message string) bool { return strings.HasPrefix(message, "READY") }

// held serves leases of which only the first five come, until the hold is
// released.
func (s *site) held(t *testing.T) *lqserver.Hold {
	t.Helper()
	hold := lqserver.NewHold(5)
	s.serve(t, 547, s.generate(t, clients, nil), lqserver.Options{Faults: lqserver.Faults{Hold: hold}})
	return hold
}

// TestNotify listens to what systemd would hear.
func TestNotify(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	hold := s.held(t)
	d := s.startNotified(t)
	if before := d.heard(t, "READY=1"); len(before) > 1 {
		t.Errorf("before READY=1 it said %q", before)
	}
	<-hold.Reached() // ready before it has recovered: what it needs may come through a routing daemon
	d.heard(t, "STATUS=recovering: 5 bindings, 5 routes")
	hold.Release()
	d.heard(t, "STATUS=recovered: 20 bindings, 20 routes")
	must(t, d.Signal(os.Interrupt))
	before := d.heard(t, "STOPPING=1")
	if slices.ContainsFunc(before, isReady) || slices.Contains(before, "WATCHDOG=1") {
		t.Errorf("before STOPPING=1 it said %q, and nobody had asked for a watchdog", before)
	}
	must(t, d.Wait(s.ctx))
}

// TestNotifyWhenRecovered is the other choice of what ready means.
func TestNotifyWhenRecovered(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), "ready: recovered"))
	hold := s.held(t)
	d := s.startNotified(t)
	<-hold.Reached()
	before := d.heard(t, "STATUS=recovering: 5 bindings, 5 routes")
	if slices.ContainsFunc(before, isReady) {
		t.Errorf("before it had recovered it said %q", before)
	}
	hold.Release()
	d.heard(t, "READY=1")
	if st := s.Status(t); st.State != "recovered" {
		t.Errorf("READY=1 while the state is %s", st.State)
	}
	must(t, d.Signal(os.Interrupt))
	if before := d.heard(t, "STOPPING=1"); slices.ContainsFunc(before, isReady) {
		t.Errorf("between READY=1 and STOPPING=1 it said %q", before)
	}
	must(t, d.Wait(s.ctx))
}

// TestWatchdog says again and again that it lives, where systemd wants to know.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	d := s.startNotified(t, "WATCHDOG_USEC=200000")
	for range 5 {
		d.heard(t, "WATCHDOG=1")
	}
	must(t, d.Signal(os.Interrupt))
	d.heard(t, "STOPPING=1")
	must(t, d.Wait(s.ctx))
}
