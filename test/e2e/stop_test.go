//go:build linux

package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"leaseroute/test/lqserver"
)

// TestStop ends the daemon in order: by default its routes stay.
func TestStop(t *testing.T) {
	tests := []struct {
		name   string
		signal syscall.Signal
		lines  []string
		keeps  bool
		says   string
	}{
		{"rule 7: SIGTERM keeps the routes", syscall.SIGTERM, nil, true, "the routes stay in the kernel"},
		{"rule 7: SIGINT keeps the routes", syscall.SIGINT, nil, true, "the routes stay in the kernel"},
		{"on_exit: remove", syscall.SIGTERM, []string{"routes: { on_exit: remove }"}, false, "our routes are removed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, config(append([]string{dhcp1()}, tt.lines...)...))
			lease := s.lease(1, "2001:db8:8000:100::/56", 0)
			s.serve(t, 547, s.list(lease), lqserver.Options{})
			must(t, s.Router.IP(t.Context(), "route add 2001:db8:8000:200::/56 via fe80::77 dev acc1 proto static"))
			s.Start(t)
			s.settled(t)
			s.Signal(t, tt.signal)
			must(t, s.Process().Wait(s.ctx)) // exit code 0
			if out := s.Process().Output(); !strings.Contains(out, tt.says) {
				t.Errorf("it did not say that %s, but\n%s", tt.says, out)
			}
			if _, err := os.Stat(s.Path("control.sock")); err == nil {
				t.Error("the control socket is still there")
			}
			if tt.keeps {
				s.exact(t, s.fibOf(lease))
				return
			}
			if left, err := s.Router.Routes(158); err != nil || len(left) != 0 {
				t.Errorf("there are still %v (%v)", left, err)
			}
			if foreign, err := s.Router.Routes(4); err != nil || len(foreign) != 1 {
				t.Errorf("C114: foreign routes %v (%v), want the one of before", foreign, err)
			}
		})
	}
}

// TestStopInMidRecovery ends the daemon while a server keeps it waiting.
func TestStopInMidRecovery(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	g := s.generate(t, clients, nil)
	hold := lqserver.NewHold(5)
	s.serve(t, 547, g, lqserver.Options{Faults: lqserver.Faults{Hold: hold}})
	s.Start(t)
	<-hold.Reached()
	s.holds(t, s.chosen(g, first(5)))
	s.Stop(t)
	s.exact(t, s.chosen(g, first(5)))
}
