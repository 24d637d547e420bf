//go:build linux

package e2e

import (
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"leaseroute/test/daemon"
	"leaseroute/test/lqserver"
)

// TestNotify listens to what systemd would hear (sd_notify(3)).
func TestNotify(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	g := s.generate(t, clients, nil)
	hold := lqserver.NewHold(5)
	s.serve(t, 547, g, lqserver.Options{Faults: lqserver.Faults{Hold: hold}})
	path := s.Path("notify.sock")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer socket.Close()
	deadline, _ := s.ctx.Deadline()
	must(t, socket.SetReadDeadline(deadline))
	// heard waits for a message with that beginning, and returns those before it.
	heard := func(want string) (before []string) {
		t.Helper()
		for b := make([]byte, 4096); ; {
			n, err := socket.Read(b)
			if err != nil {
				t.Fatalf("waiting for %q: %v; it said %q", want, err, before)
			}
			if strings.HasPrefix(string(b[:n]), want) {
				return before
			}
			before = append(before, string(b[:n]))
		}
	}

	cmd := s.Router.Command(s.ctx, daemon.Binary(t), "run", "-c", s.Path("leaseroute.yaml"))
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+path)
	p, err := s.Edge.Start(cmd)
	must(t, err)
	if before := heard("READY=1"); len(before) > 1 {
		t.Errorf("before READY=1 it said %q", before)
	}
	<-hold.Reached() // ready before it has recovered: what it needs may come through a routing daemon
	heard("STATUS=recovering: 5 bindings, 5 routes")
	hold.Release()
	heard("STATUS=recovered: 20 bindings, 20 routes")
	must(t, p.Signal(os.Interrupt))
	if before := heard("STOPPING=1"); slices.ContainsFunc(before, func(s string) bool { return strings.HasPrefix(s, "READY") }) {
		t.Errorf("before STOPPING=1 it said %q", before)
	}
	must(t, p.Wait(s.ctx))
}
