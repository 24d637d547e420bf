//go:build linux

package lab_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

// A server is what the tests need of Kea and of dhcpd.
type server interface {
	Start(context.Context) error
	Stop(context.Context) error
	Serve(lab.Service) error
	WaitHeld(context.Context, func([]lab.Lease) bool) error
}

// peers are an edge with a server and a relay that run.
type peers struct {
	*lab.Edge
	ctx    context.Context
	tree   lab.PeerTree
	served lab.Service
	server server
	relay  *lab.Relay
}

// peersPatience bounds a test: a client that was not answered may wait for
// 10 s before it asks again.
const peersPatience = 45 * time.Second

// eachServer runs a test with Kea and with dhcpd, on an edge of its own.
func eachServer(t *testing.T, access int, serve func(*lab.Service), test func(t *testing.T, p *peers)) {
	for _, name := range []string{"Kea", "dhcpd"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newPeers(t, name, access, serve))
		})
	}
}

func newPeers(t *testing.T, name string, access int, serve func(*lab.Service)) *peers {
	t.Helper()
	p := &peers{Edge: labtest.NewEdge(t, access)}
	ctx, cancel := context.WithTimeout(t.Context(), peersPatience)
	t.Cleanup(cancel)
	p.ctx = ctx
	var err error
	p.tree, err = lab.FetchPeers(ctx, t.Output())
	must(t, err)
	p.served = p.Service()
	if serve != nil {
		serve(&p.served)
	}
	p.server = newServer(t, p.Site(), name, p.tree, p.served)
	must(t, p.server.Start(ctx))
	p.relay, err = p.Relay(p.tree, false, p.Site())
	must(t, err)
	must(t, p.relay.Start(ctx))
	return p
}

// newServer prepares a server that holds no lease.
func newServer(t *testing.T, s lab.Site, name string, tree lab.PeerTree, service lab.Service) server {
	t.Helper()
	if name == "dhcpd" {
		d, err := s.Dhcpd(tree, service)
		must(t, err)
		return d
	}
	kea, err := lab.FetchKea(t.Context(), t.Output())
	must(t, err)
	k, err := s.Kea(kea, service)
	must(t, err)
	return k
}

// client starts a client in a CPE of its own.
func (p *peers) client(t *testing.T, a lab.Access, number uint16, c lab.ClientConfig) (*lab.CPE, *lab.Client) {
	t.Helper()
	cpe, err := p.NewCPE(p.ctx, a, number)
	must(t, err)
	client, err := cpe.NewClient(p.tree, c)
	must(t, err)
	must(t, client.Start(p.ctx))
	return cpe, client
}

// wait waits until the client tells an event n times, and returns the
// prefixes in order.
func (p *peers) wait(t *testing.T, c *lab.Client, e lab.Event, n int) []netip.Prefix {
	t.Helper()
	start := time.Now()
	var prefixes []netip.Prefix
	for range n {
		told, err := c.Wait(p.ctx, e)
		must(t, err)
		prefixes = append(prefixes, told.Prefix)
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	t.Logf("%s %v after %s", e, prefixes, time.Since(start).Round(time.Millisecond))
	return prefixes
}

// held waits until the server holds what the client has.
func (p *peers) held(t *testing.T, cpe *lab.CPE, want []netip.Prefix) {
	t.Helper()
	var got []netip.Prefix
	err := p.server.WaitHeld(p.ctx, func(leases []lab.Lease) bool {
		got = nil
		for _, l := range leases {
			if bytes.Equal(l.DUID, cpe.DUID) {
				got = append(got, l.Prefix)
			}
		}
		return slices.Equal(got, want)
	})
	if err != nil {
		t.Errorf("the client has %v, the server holds %v: %v", want, got, err)
	}
}

var everyClient = []lab.ClientProgram{lab.Dhclient, lab.Dhcp6c, lab.Dhcpcd}

func TestPeersLeaseAndRelease(t *testing.T) {
	t.Parallel()
	eachServer(t, 1, nil, func(t *testing.T, p *peers) {
		for i, program := range everyClient {
			cpe, client := p.client(t, p.Access[0], uint16(i+1), lab.ClientConfig{Program: program, Prefixes: 1})
			p.held(t, cpe, p.wait(t, client, lab.Bound, 1))
			must(t, client.Release(p.ctx))
			p.wait(t, client, lab.Released, 1)
			p.held(t, cpe, nil)
		}
	})
}

func TestPeersTwoPrefixesAndAnAddress(t *testing.T) {
	t.Parallel()
	eachServer(t, 1, nil, func(t *testing.T, p *peers) {
		for i, program := range everyClient {
			cpe, client := p.client(t, p.Access[0], uint16(i+1), lab.ClientConfig{Program: program, Prefixes: 2, Address: true})
			p.held(t, cpe, p.wait(t, client, lab.Bound, 3))
		}
	})
}

func TestPeersRapidCommit(t *testing.T) {
	t.Parallel()
	rapid := func(s *lab.Service) { s.RapidCommit = true }
	eachServer(t, 1, rapid, func(t *testing.T, p *peers) {
		for i, program := range []lab.ClientProgram{lab.Dhcp6c, lab.Dhcpcd} {
			cpe, client := p.client(t, p.Access[0], uint16(i+1), lab.ClientConfig{Program: program, Prefixes: 1, RapidCommit: true})
			p.held(t, cpe, p.wait(t, client, lab.Bound, 1))
		}
		if out := p.relay.Process().Output(); strings.Contains(out, "Advertise") || strings.Contains(out, "Request") {
			t.Errorf("the exchange was not of two messages:\n%s", out)
		}
	})
}

func TestPeersRelayBehindRelay(t *testing.T) {
	t.Parallel()
	eachServer(t, 2, nil, func(t *testing.T, p *peers) {
		agg, err := p.AddAggregation(p.ctx, p.Access[1])
		must(t, err)
		relay, err := agg.Relay(p.tree, false)
		must(t, err)
		must(t, relay.Start(p.ctx))
		cpe, client := p.client(t, agg.Access, 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1, Address: true})
		got := p.wait(t, client, lab.Bound, 2)
		p.held(t, cpe, got)
		prefix := got[slices.IndexFunc(got, func(p netip.Prefix) bool { return !p.IsSingleIP() })]
		must(t, cpe.Answer(p.ctx, prefix))
		must(t, agg.Route(p.ctx, prefix, cpe))
		install(t, p.Edge, lab.Route{Prefix: prefix, Gateway: agg.Address, Dev: p.Access[1].Name})
		_, err = p.Server.Ping(p.ctx, prefix.Addr().Next())
		must(t, err)
		if kea, ok := p.server.(*lab.Kea); ok {
			checkRelays(t, kea, []string{
				fmt.Sprintf("link %s, peer %s, Interface-Id true", p.Access[1].Address, agg.Address),
				fmt.Sprintf("link %s, peer %s, Interface-Id false", agg.Access.Address, cpe.LinkLocal),
			})
		}
	})
}

// checkRelays compares the way of all leases with what Kea has stored.
func checkRelays(t *testing.T, kea *lab.Kea, want []string) {
	t.Helper()
	leases, err := kea.Leases()
	must(t, err)
	for _, l := range leases {
		var got []string
		for _, r := range l.Relays {
			got = append(got, fmt.Sprintf("link %s, peer %s, Interface-Id %t", r.Link, r.Peer, r.InterfaceID != nil))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s came by %q, want %q", l.Prefix, got, want)
		}
	}
}

func TestPeersTwoServers(t *testing.T) {
	t.Parallel()
	p := newPeers(t, "Kea", 1, nil)
	site, err := p.AddSite(p.ctx, 2)
	must(t, err)
	service := p.Service()
	service.Links[0].Blocks[0].Prefix = netip.MustParsePrefix("2001:db8:8f00::/44")
	other := newServer(t, site, "dhcpd", p.tree, service)
	must(t, other.Start(p.ctx))
	p.relay.Kill()
	p.relay, err = p.Relay(p.tree, true, p.Site(), site)
	must(t, err)
	must(t, p.relay.Start(p.ctx))
	kea, client := p.client(t, p.Access[0], 1, lab.ClientConfig{Program: lab.Dhcp6c, Prefixes: 1})
	got := p.wait(t, client, lab.Bound, 1)
	if service.Links[0].Blocks[0].Prefix.Contains(got[0].Addr()) {
		p.server = other
	}
	p.held(t, kea, got)
	p.Reboot(p.ctx)
	must(t, p.relay.Start(p.ctx))
	must(t, client.Release(p.ctx))
	p.held(t, kea, nil)
}
