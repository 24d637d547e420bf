//go:build linux

package glean

import (
	"net/netip"
	"regexp"
	"slices"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// brisk lets a client renew within the time of a test.
func brisk(s *lab.Service) {
	s.Lifetimes = lab.Lifetimes{Preferred: 30 * time.Second, Valid: 40 * time.Second, Renew: 2 * time.Second, Rebind: 4 * time.Second}
}

func TestRenew(t *testing.T) {
	eachServer(t, setup{access: 1, serve: brisk}, func(t *testing.T, s *site) {
		for i, program := range []lab.ClientProgram{lab.Dhclient, lab.Dhcpcd} {
			t.Run("L15 R74 G-8 lifetimes follow the Replies to Renew: "+string(program), func(t *testing.T) {
				cpe, client, got := s.bound(t, s.Access[0], uint16(i+1), lab.ClientConfig{Program: program, Prefixes: 1})
				before := s.Bindings(t)[got[0].String()]
				if renewed := s.told(t, client, lab.Renewed, 1); !slices.Equal(renewed, got) {
					t.Fatalf("%v was bound, and %v renewed", got, renewed)
				}
				s.held(t, cpe, got...)
				s.until(t, "the binding is not as old as the Renew", func() []string {
					if now := s.Bindings(t)[got[0].String()]; !now.CLT.After(*before.CLT) || now.Source != "glean" {
						return []string{now.CLT.String() + " by " + now.Source}
					}
					return nil
				})
				s.exact(t)
				s.explained(t, got[0], "(Reply to Renew, on acc0): the client spoke to its server later [R77]")
				client.Kill()
			})
		}
	})
}

func TestRebindAfterRenumbering(t *testing.T) {
	eachServer(t, setup{access: 1, serve: brisk}, func(t *testing.T, s *site) {
		t.Run("L15 R88 the server came back with other pools", func(t *testing.T) {
			cpe, client, old := s.bound(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
			must(t, s.server.Stop(s.ctx))
			_, err := s.relay.Process().WaitLine(s.ctx, regexp.MustCompile("^Relaying Rebind"))
			must(t, err)
			s.exactRoutes(t) // C115: a server that is silent takes nothing along
			s.served.Links[0].Blocks[0].Prefix = netip.MustParsePrefix("2001:db8:8f00::/44")
			must(t, s.server.Serve(s.served))
			must(t, s.server.Start(s.ctx))
			told, err := client.Wait(s.ctx, lab.Rebound)
			must(t, err)
			if told.Prefix == old[0] { // dhcpd's client tells of that too
				told, err = client.Wait(s.ctx, lab.Rebound)
				must(t, err)
			}
			s.held(t, cpe, told.Prefix)
			s.exact(t)
			s.explained(t, old[0], "(Reply to Rebind, on acc0): server reports a valid lifetime of zero [R88]")
			s.explained(t, told.Prefix, "(Reply to Rebind, on acc0): first word about this lease [R70]")
		})
	})
}

func TestRebindAfterLoss(t *testing.T) {
	eachServer(t, setup{access: 1}, func(t *testing.T, s *site) {
		t.Run("L15 G-8 a client that starts again rebinds", func(t *testing.T) {
			cpe, client, got := s.bound(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 2})
			client.Kill()
			taught := s.Status(t).Counters["glean_taught"]
			must(t, client.Start(s.ctx))
			if again := s.told(t, client, lab.Rebound, 2); !slices.Equal(again, got) {
				t.Errorf("the client came back with %v, before %v", again, got)
			}
			s.Wait(t, "the Reply to Rebind", func(now control.Status) bool { return now.Counters["glean_taught"] > taught })
			s.held(t, cpe, got...)
			s.exact(t)
		})
	})
}
