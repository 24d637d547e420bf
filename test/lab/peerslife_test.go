//go:build linux

package lab_test

import (
	"net/netip"
	"regexp"
	"slices"
	"testing"
	"time"

	"leaseroute/test/lab"
)

// brisk lets a client renew within the time of a test.
var brisk = lab.Lifetimes{Preferred: 30 * time.Second, Valid: 40 * time.Second, Renew: 2 * time.Second, Rebind: 4 * time.Second}

func TestPeersRenewAndRebind(t *testing.T) {
	t.Parallel()
	eachServer(t, 1, func(s *lab.Service) { s.Lifetimes = brisk }, func(t *testing.T, p *peers) {
		_, one := p.client(t, p.Access[0], 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
		cpe, two := p.client(t, p.Access[0], 2, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
		for _, c := range []*lab.Client{one, two} {
			if bound, renewed := p.wait(t, c, lab.Bound, 1), p.wait(t, c, lab.Renewed, 1); !slices.Equal(bound, renewed) {
				t.Errorf("%v was bound, and %v renewed", bound, renewed)
			}
		}
		one.Kill()
		must(t, p.server.Stop(p.ctx))
		_, err := p.relay.Process().WaitLine(p.ctx, regexp.MustCompile("^Relaying Rebind"))
		must(t, err)
		must(t, p.server.Start(p.ctx))
		p.held(t, cpe, p.wait(t, two, lab.Rebound, 1))
	})
}

func TestPeersRenumbering(t *testing.T) {
	t.Parallel()
	eachServer(t, 1, func(s *lab.Service) { s.Lifetimes = brisk }, func(t *testing.T, p *peers) {
		cpe, client := p.client(t, p.Access[0], 1, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
		old := p.wait(t, client, lab.Bound, 1)
		must(t, p.server.Stop(p.ctx))
		_, err := p.relay.Process().WaitLine(p.ctx, regexp.MustCompile("^Relaying Rebind"))
		must(t, err)
		block := netip.MustParsePrefix("2001:db8:8f00::/44")
		p.served.Links[0].Blocks[0].Prefix = block
		must(t, p.server.Serve(p.served))
		must(t, p.server.Start(p.ctx))
		told, err := client.Wait(p.ctx, lab.Rebound)
		must(t, err)
		if told.Prefix == old[0] { // dhcpd says that it is gone, Kea nothing
			if told.Valid != 0 {
				t.Errorf("the old prefix is valid for %s", told.Valid)
			}
			told, err = client.Wait(p.ctx, lab.Rebound)
			must(t, err)
		}
		if !block.Contains(told.Prefix.Addr()) || told.Valid != brisk.Valid {
			t.Errorf("the new lease is %+v, want one in %s", told, block)
		}
		p.held(t, cpe, []netip.Prefix{told.Prefix})
	})
}

func TestPeersMoveAndRestart(t *testing.T) {
	t.Parallel()
	eachServer(t, 2, nil, func(t *testing.T, p *peers) {
		_, client := p.client(t, p.Access[0], 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
		first := p.wait(t, client, lab.Bound, 1)
		client.Kill()
		p.relay.Kill()
		must(t, p.relay.Start(p.ctx))
		must(t, client.Start(p.ctx))
		if again := p.wait(t, client, lab.Rebound, 1); !slices.Equal(again, first) {
			t.Errorf("the client came back with %v, before %v", again, first)
		}
		client.Kill()
		moved, client := p.client(t, p.Access[1], 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
		second := p.wait(t, client, lab.Bound, 1)
		t.Logf("%v moved to the other link: %v", first, second)
		p.held(t, moved, slices.Compact(append(first, second...)))
	})
}

func TestPeersPrefixMovesWhenItsClientIsGone(t *testing.T) {
	t.Parallel()
	only := netip.MustParsePrefix("2001:db8:8f00::/56")
	one := func(s *lab.Service) {
		s.Lifetimes = lab.Lifetimes{Preferred: 3 * time.Second, Valid: 4 * time.Second, Renew: time.Second, Rebind: 2 * time.Second}
		for i := range s.Links {
			s.Links[i].Blocks = []lab.KeaPDPool{{Prefix: only, Length: 56}}
		}
	}
	eachServer(t, 2, one, func(t *testing.T, p *peers) {
		_, dies := p.client(t, p.Access[0], 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
		p.wait(t, dies, lab.Bound, 1)
		dies.Kill()
		_, second := p.client(t, p.Access[0], 2, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
		p.wait(t, second, lab.Bound, 1)
		must(t, second.Release(p.ctx))
		cpe, third := p.client(t, p.Access[1], 3, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
		p.held(t, cpe, p.wait(t, third, lab.Bound, 1))
		must(t, p.server.Stop(p.ctx))
		p.wait(t, third, lab.Expired, 1)
	})
}
