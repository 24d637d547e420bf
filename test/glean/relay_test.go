//go:build linux

package glean

import (
	"net/netip"
	"slices"
	"testing"

	"leaseroute/test/lab"
)

func TestRelayBehindRelay(t *testing.T) {
	eachServer(t, setup{}, func(t *testing.T, s *site) {
		agg, err := s.AddAggregation(s.ctx, s.Access[1])
		must(t, err)
		relay, err := agg.Relay(s.tree, false)
		must(t, err)
		must(t, relay.Start(s.ctx))
		t.Run("C112 R90 the next hop is the relay below us", func(t *testing.T) {
			cpe, client := s.client(t, agg.Access, 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1, Address: true})
			s.places[string(cpe.DUID)] = place{agg.Address, s.Access[1].Name}
			got := s.told(t, client, lab.Bound, 2)
			s.held(t, cpe, got...)
			s.exact(t)
			prefix := got[slices.IndexFunc(got, func(p netip.Prefix) bool { return !p.IsSingleIP() })]
			must(t, cpe.Answer(s.ctx, prefix))
			must(t, agg.Route(s.ctx, prefix, cpe))
			_, err = s.Server.Ping(s.ctx, prefix.Addr().Next())
			must(t, err)
		})
		t.Run("C112 R70 beside it a client of our own link", func(t *testing.T) {
			s.bound(t, s.Access[1], 2, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
		})
		t.Run("G-9 a Release through both relays", func(t *testing.T) {
			cpe, client := s.client(t, agg.Access, 3, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
			s.places[string(cpe.DUID)] = place{agg.Address, s.Access[1].Name}
			s.held(t, cpe, s.told(t, client, lab.Bound, 1)...)
			s.exact(t)
			must(t, client.Release(s.ctx))
			s.held(t, cpe)
			s.exact(t)
		})
	})
}

func TestRelayRestarted(t *testing.T) {
	eachServer(t, setup{}, func(t *testing.T, s *site) {
		t.Run("L16 S-2 dhcrelay ends and starts again, and nothing is lost", func(t *testing.T) {
			_, client, got := s.bound(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
			s.relay.Kill()
			s.exact(t)
			must(t, s.relay.Start(s.ctx))
			client.Kill()
			must(t, client.Start(s.ctx))
			if again := s.told(t, client, lab.Rebound, 1); !slices.Equal(again, got) {
				t.Errorf("the client came back with %v, before %v", again, got)
			}
			s.bound(t, s.Access[1], 2, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
		})
	})
}
