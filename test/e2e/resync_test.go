//go:build linux

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lqserver"
)

// TestResync asks again, in all the ways there are.
func TestResync(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	g := s.generate(t, clients, nil)
	want := s.chosen(g, nil)
	server, _ := s.serve(t, 547, g, lqserver.Options{})
	s.Start(t)
	before := s.settled(t)
	s.holds(t, want)
	messages := func() uint64 { return s.Status(t).Counters["route_messages"] }
	written := messages()

	t.Run("without waiting", func(t *testing.T) {
		stdout, stderr, code := s.Run(t, "resync")
		if code != 0 || stderr != "" || stdout != "asked 1 server(s); 'leaseroute status' shows how far they are\n" {
			t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
		}
		s.served(t, before.Servers[0].RequestsServed+1)
	})
	t.Run("rule 7: nothing new, nothing written", func(t *testing.T) {
		for range 3 {
			s.resync(t)
		}
		if n := messages() - written; n != 0 {
			t.Errorf("%d route messages were written", n)
		}
	})
	t.Run("waiting, with progress on stderr", func(t *testing.T) {
		hold := lqserver.NewHold(5)
		server.SetFaults(lqserver.Faults{Hold: hold, Times: 1})
		waiting := s.background(t, "resync", "--wait")
		<-hold.Reached()
		waiting.line(t, regexp.MustCompile(`^recovered: 20 bindings, 20 routes .*; dhcp1 querying relay-id`))
		if _, stderr, code := s.Run(t, "resync", "--wait", "--timeout", "2s"); code != 1 || !strings.Contains(stderr, "not done within 2s: the state is recovered") {
			t.Errorf("--timeout: exit %d, %q", code, stderr)
		}
		hold.Release()
		waiting.ends(t)
		s.exact(t, want)
	})
	t.Run("one interface: its link alone", func(t *testing.T) {
		rounds, bindings := s.Status(t).Servers[0].Rounds, server.Stats().Bindings
		if _, stderr, code := s.Run(t, "resync", "--wait", "--interface", "acc1"); code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		if n := server.Stats().Bindings - bindings; n != clients/2 {
			t.Errorf("the server was asked about %d bindings, want the %d of that link", n, clients/2)
		}
		if n := s.Status(t).Servers[0].Rounds - rounds; n != 0 {
			t.Errorf("%d rounds about all, want none", n)
		}
	})
	for _, name := range []string{"core0", "lo", "acc7"} {
		t.Run("no link to ask for: "+name, func(t *testing.T) {
			_, stderr, code := s.Run(t, "resync", "--interface", name)
			if code != 1 || !strings.Contains(stderr, "interface "+name+": no link-address to ask for") {
				t.Errorf("exit %d, %q", code, stderr)
			}
		})
	}
	s.Stop(t)
}

// served waits until a server has met a request for a round.
func (s *site) served(t *testing.T, n uint64) {
	t.Helper()
	s.status(t, func(st control.Status) error {
		if st.Servers[0].RequestsServed < n {
			return fmt.Errorf("request %d is not served", n)
		}
		return nil
	})
}
