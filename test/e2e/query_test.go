//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// TestQuery asks a server once, by each kind of query, without a daemon.
func TestQuery(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	g := s.generate(t, clients, nil)
	s.serve(t, 547, g, lqserver.Options{Manner: lqserver.Kea()})
	one := g.Leases(3)[0]
	server := "--server=" + lab.ServerAddress.String()
	tests := []struct {
		name   string
		args   []string
		leases int
	}{
		{"by relay-id", []string{"--relay-id", relayID}, clients},
		{"by link-address", []string{"--link", s.Access[1].Address.String()}, clients / 2},
		{"by remote-id", []string{"--remote-id", "32473:sub-00000003"}, 1},
		{"by address", []string{"--address", one.Prefix.Addr().Next().String()}, 1},
		{"by client-id", []string{"--client-id", fmt.Sprintf("%x", one.Client)}, 1},
		{"by relay-id on a link", []string{"--relay-id", relayID, "--link", s.Access[0].Address.String()}, clients / 2},
		{"without an answer", []string{"--remote-id", "32473:nobody"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"query", server}, tt.args...)
			stdout, stderr, code := s.Run(t, args...)
			if lines := strings.Count(stdout, "2001:db8:8000:"); code != 0 || lines != tt.leases ||
				!strings.Contains(stderr, fmt.Sprintf("%d lease(s) in ", tt.leases)) || !strings.Contains(stderr, "from server 00:03:00:01:02:00:00:00:00:ff") {
				t.Errorf("exit %d, %d leases, want %d; stderr %q, stdout\n%s", code, lines, tt.leases, stderr, stdout)
			}
			stdout, _, _ = s.Run(t, append(args, "--json")...)
			d, n := json.NewDecoder(strings.NewReader(stdout)), 0
			for ; d.More(); n++ {
				var v map[string]any
				must(t, d.Decode(&v))
			}
			if n != tt.leases {
				t.Errorf("--json prints %d leases, want %d", n, tt.leases)
			}
		})
	}
	mistakes := map[string][]string{
		"name the server to ask":                {"--relay-id", relayID},
		"give exactly one of --address":         {server},
		"--relay-id \"zz\": want octets in hex": {server, "--relay-id", "zz"},
		"link-address fe80::1: not a global":    {server, "--link", "fe80::1"},
		"--server \"acc0\": want ADDRESS or":    {"--server", "acc0", "--relay-id", relayID},
	}
	for want, args := range mistakes {
		_, stderr, code := s.Run(t, append([]string{"query"}, args...)...)
		if code != 2 || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("query %v: exit %d, %q; want 2, %q on one line", args, code, stderr, want)
		}
	}
}

// TestSimulate has the built program be the server, with a fault.
func TestSimulate(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	args := []string{"simulate", "--clients", fmt.Sprint(clients), "--relay-id", relayID, "--fault", "cut=5", "--fault", "times=1"}
	for _, a := range s.Access {
		args = append(args, "--link", a.Address.String()+"/64")
	}
	simulated, err := s.Edge.Start(s.Edge.Server.Command(s.ctx, daemon.Binary(t), args...))
	must(t, err)
	s.Start(t)
	st := s.settled(t)
	if st.RoutesInstalled != clients || st.Counters["broken_answers"] != 1 {
		t.Errorf("%d routes after %d broken answers, want %d after 1", st.RoutesInstalled, st.Counters["broken_answers"], clients)
	}
	g := s.generate(t, clients, nil)
	s.exact(t, s.chosen(g, nil))
	must(t, simulated.Stop(s.ctx)) // exit code 0
	stdout, _, code := s.Run(t, "simulate", "--list-faults")
	for _, k := range lqserver.Knobs() {
		if code != 0 || !strings.Contains(stdout, "\n"+k.Name+" ") {
			t.Errorf("--list-faults (exit %d) lacks %s", code, k.Name)
		}
	}
	s.Stop(t)
}
