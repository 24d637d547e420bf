//go:build linux

package glean

import (
	"fmt"
	"slices"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

func TestLink(t *testing.T) {
	eachServer(t, setup{}, func(t *testing.T, s *site) {
		kernel := s.watch(t)
		_, client, got := s.bound(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 2})
		_, _, _ = s.bound(t, s.Access[1], 2, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
		t.Run("S-2 C111 without carrier, and with it again", func(t *testing.T) {
			kernel.reset(t)
			must(t, s.Access[0].Subscribers.IP(s.ctx, "link set wan0 down"))
			s.exact(t)
			must(t, s.Access[0].Subscribers.IP(s.ctx, "link set wan0 up"))
			s.exact(t)
			if seen := kernel.reset(t); len(seen) > 0 {
				t.Errorf("the kernel told %q", seen)
			}
		})
		t.Run("S-2 C111 admin down, and up again", func(t *testing.T) {
			dev := s.Access[0].Name
			must(t, s.Router.IP(s.ctx, "link set "+dev+" down"))
			s.Wait(t, "the routes that wait for the interface", func(now control.Status) bool {
				return now.Refused["interface is down"] == len(got)
			})
			must(t, s.Router.IP(s.ctx, "link set "+dev+" up",
				"address add fe80::1/64 dev "+dev+" nodad",
				fmt.Sprintf("address add %s/64 dev %s nodad", s.Access[0].Address, dev)))
			s.exact(t)
		})
		t.Run("L16 S-2 gleaning goes on behind an interface that came back", func(t *testing.T) {
			s.relay.Kill() // it has lost its multicast membership
			must(t, s.relay.Start(s.ctx))
			client.Kill()
			must(t, client.Start(s.ctx))
			if again := s.told(t, client, lab.Rebound, 2); !slices.Equal(again, got) {
				t.Errorf("the client came back with %v, before %v", again, got)
			}
			must(t, client.Release(s.ctx))
			s.gone(t, got[0])
			s.gone(t, got[1])
			s.exact(t)
		})
	})
}
