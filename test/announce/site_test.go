//go:build linux

package announce

import (
	"context"
	"net/netip"
	"os"
	"regexp"
	"testing"
	"time"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
	"leaseroute/test/lqserver"
)

const (
	relayID = "0003000102000000eeee" // the router's DUID
	glance  = 100 * time.Millisecond // how often the peer is looked at
)

// peerConfig makes the other end of the BGP session: BIRD, where the DHCP
// server is.
const peerConfig = `
router id 192.0.2.2;
protocol device { }
protocol bgp edge {
  local 2001:db8:0:1::1 as 65002;
  neighbor 2001:db8:0:1::2 as 65001;
  ipv6 { import all; export none; };
}`

// A site is a router with leaseroute and a routing daemon on it, a DHCP server
// that has leases, and a BGP peer.
type site struct {
	*lab.Edge
	*daemon.Daemon
	tree   lab.RouterTree
	peer   *lab.BIRD
	server *lqserver.Server
	ctx    context.Context // ends when the test has waited too long
}

// newSite makes a site with so many leases, half on each of two links.
// leaseroute and the routing daemon are not started.
func newSite(t *testing.T, leases int, patience time.Duration) *site {
	t.Helper()
	e := labtest.NewEdge(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	tree, err := lab.FetchRouters(ctx, os.Stderr)
	must(t, err)
	s := &site{Edge: e, Daemon: daemon.New(t, e, daemon.Config(relayID)), tree: tree, ctx: ctx}
	s.peer, err = e.Server.BIRD(context.Background(), e.Lab, tree, peerConfig)
	must(t, err)
	s.serve(t, leases)
	return s
}

// serve runs the DHCP server until the test is over.
func (s *site) serve(t *testing.T, leases int) {
	t.Helper()
	duid := []byte{0, 3, 0, 1, 2, 0, 0, 0, 0xee, 0xee}
	var links []lqserver.Link
	for _, a := range s.Access {
		links = append(links, lqserver.Link{Address: netip.PrefixFrom(a.Address, 64), RelayID: duid})
	}
	g, err := lqserver.Generate(lqserver.Plan{Clients: leases, Block: lab.Delegated, Links: links, Enterprise: 32473})
	must(t, err)
	l, err := s.Server.Listen("tcp", "[::]:547")
	must(t, err)
	s.server, err = lqserver.New(lqserver.Options{Listener: l, DUID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xff}}, g)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("run the server:", err)
		}
	})
}

// documented returns the configuration that the documentation gives for a
// routing daemon: what is fenced with its name.
func documented(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/announcing.md")
	must(t, err)
	m := regexp.MustCompile("(?s)\n```"+name+"\n(.*?)```\n").FindAllSubmatch(text, -1)
	if len(m) != 1 {
		t.Fatalf("docs/announcing.md has %d configurations of %s, want 1", len(m), name)
	}
	return string(m[0][1])
}

// announced waits until the peer holds as many prefixes as the kernel has
// routes and leaseroute has nothing more to tell, and then compares them, one by
// one. It returns how long the peer took to hold as many.
func (s *site) announced(t *testing.T, routes int) time.Duration {
	t.Helper()
	began := time.Now()
	s.until(t, "the peer to hold the routes", func() (bool, error) {
		n, err := s.peer.Count(s.ctx, "edge")
		return n == routes && s.Status(t).Announcing.State == "exact", err
	})
	took := time.Since(began)
	held, err := s.peer.Prefixes(s.ctx, "edge")
	must(t, err)
	kernel := s.Routes(t)
	for p := range kernel {
		if !held[p] {
			t.Errorf("%s is routed and not announced", p)
		}
		delete(held, p)
	}
	for p := range held {
		t.Errorf("%s is announced and not routed", p)
	}
	if len(kernel) != routes {
		t.Errorf("the kernel has %d routes, want %d", len(kernel), routes)
	}
	return took
}

// until looks again and again until it is done.
func (s *site) until(t *testing.T, what string, look func() (bool, error)) {
	t.Helper()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		done, err := look()
		if done {
			return
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			t.Fatalf("waited for %s: %v, announcing %+v", what, err, s.Status(t).Announcing)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
