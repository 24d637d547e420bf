//go:build linux

package glean

import (
	"net/netip"
	"slices"
	"testing"

	"leaseroute/test/lab"
)

// onlyPrefix is all that every link has, so that whoever comes gets it.
var onlyPrefix = netip.MustParsePrefix("2001:db8:8f00::/56")

func oneForAll(s *lab.Service) {
	for i := range s.Links {
		s.Links[i].Blocks = []lab.KeaPDPool{{Prefix: onlyPrefix, Length: 56}}
	}
}

func TestMove(t *testing.T) {
	eachServer(t, setup{serve: oneForAll}, func(t *testing.T, s *site) {
		kernel := s.watch(t)
		_, client, _ := s.bound(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
		moves := []struct {
			name   string
			link   int
			client uint16
		}{
			{"R77 R79 to another client on another port", 1, 2},
			{"R77 R90 with its client to another port", 0, 2},
			{"R77 to another client on the same port", 0, 3},
		}
		for _, m := range moves {
			t.Run(m.name+", in one replace and never without a route", func(t *testing.T) {
				client.Kill() // nobody is told
				must(t, s.server.Stop(s.ctx))
				must(t, s.server.Forget())
				must(t, s.server.Start(s.ctx))
				kernel.reset(t)
				var cpe *lab.CPE
				cpe, client, _ = s.bound(t, s.Access[m.link], m.client, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
				want := []string{newRoute(onlyPrefix, s.places[string(cpe.DUID)])}
				if seen := kernel.reset(t); !slices.Equal(seen, want) {
					t.Errorf("the kernel told %q, want %q", seen, want)
				}
			})
		}
		s.explained(t, onlyPrefix, "client 00:03:00:01:02:00:00:c0:00:02 won against 00:03:00:01:02:00:00:c0:00:01")
	})
}
