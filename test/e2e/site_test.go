//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
	"leaseroute/test/lqserver"
)

// What all sites have in common.
const (
	relayID        = "0003000102000000eeee" // the router's DUID
	sequenceOption = 65001
)

var (
	routerDUID = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0xee, 0xee}
	serverDUID = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xff}
	otherDUID  = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xfe}
)

// A site is a router with two access links, and leaseroute on it.
type site struct {
	*lab.Edge
	*daemon.Daemon
	ctx context.Context // ends when the test has waited too long
}

// patience is how long a site may be used: no test takes that long unless
// what it waits for never comes.
const patience = 90 * time.Second

// newSite makes one; leaseroute is not started.
func newSite(t *testing.T, config string) *site {
	t.Helper()
	e := labtest.NewEdge(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &site{Edge: e, Daemon: daemon.New(t, e, config), ctx: ctx}
}

// serverLine is the entry of a server in the configuration; more is YAML. The
// keys address and source have a default.
func serverLine(name string, port int, more ...string) string {
	parts := append([]string{"name: " + name}, more...)
	parts = withDefaults(parts,
		fmt.Sprintf("address: %q", netip.AddrPortFrom(lab.ServerAddress, uint16(port))),
		fmt.Sprintf("source: %q", lab.RouterAddress))
	return "  - { " + strings.Join(parts, ", ") + " }"
}

// withDefaults appends to lines of YAML those defaults whose key is not there.
func withDefaults(lines []string, defaults ...string) []string {
	for _, d := range defaults {
		key, _, _ := strings.Cut(d, ":")
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, key+":") }) {
			lines = append(lines, d)
		}
	}
	return lines
}

// config is a configuration for a site; lines follow in YAML, the servers'
// entries first. The keys interfaces and delegation have a default.
func config(lines ...string) string {
	out := append([]string{"servers:"}, lines...)
	out = withDefaults(append(out, fmt.Sprintf("relay_id: %q", relayID)),
		`interfaces: { access: ["acc*"], core: ["core0"] }`,
		fmt.Sprintf("delegation: { allowed: [%q] }", lab.Delegated))
	return strings.Join(out, "\n")
}

// dhcp1 is the entry of the first server.
func dhcp1(more ...string) string { return serverLine("dhcp1", 547, more...) }

// serve runs a server at a port until the test is over, or until the returned
// function is called.
func (s *site) serve(t *testing.T, port int, store lqserver.Store, o lqserver.Options) (*lqserver.Server, func()) {
	t.Helper()
	o.Listener = s.listen(t, port)
	if o.DUID == nil {
		o.DUID = serverDUID
	}
	server, err := lqserver.New(o, store)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx); close(ended) }()
	stop := func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("run the server:", err)
		}
	}
	t.Cleanup(stop)
	return server, stop
}

// listen listens for a server. A program that another test is just starting
// holds the last server's socket for an instant longer.
func (s *site) listen(t *testing.T, port int) net.Listener {
	t.Helper()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		l, err := s.Server.Listen("tcp", fmt.Sprintf("[::]:%d", port))
		if err == nil {
			return l
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			t.Fatal(err)
		}
	}
}

// links are the site's links as a server's plan has them.
func (s *site) links(relayID []byte) []lqserver.Link {
	var all []lqserver.Link
	for _, a := range s.Access {
		all = append(all, lqserver.Link{Address: netip.PrefixFrom(a.Address, 64), RelayID: relayID})
	}
	return all
}

// generate makes clients up, on all links in turn and heard a minute ago or
// earlier. change may be nil.
func (s *site) generate(t *testing.T, clients int, change func(*lqserver.Plan)) *lqserver.Generated {
	t.Helper()
	p := lqserver.Plan{
		Clients: clients, Block: lab.Delegated, Links: s.links(routerDUID), Enterprise: 32473,
		Now: time.Now().Add(-time.Minute),
	}
	if change != nil {
		change(&p)
	}
	g, err := lqserver.Generate(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A fib is what the kernel holds for the daemon, without the covering route.
type fib map[netip.Prefix]lab.Route

// routeOf is the route that a lease should have.
func (s *site) routeOf(b lqserver.Binding) lab.Route {
	inner := b.Relays[len(b.Relays)-1]
	r := lab.Route{Prefix: b.Prefix.Masked(), Gateway: inner.Peer}
	for _, a := range s.Access {
		if a.Address == inner.Link {
			r.Dev = a.Name
		}
	}
	return r
}

// holds waits until the kernel holds exactly want. It must not be called while
// many routes are being installed.
func (s *site) holds(t *testing.T, want fib) {
	t.Helper()
	err := s.Router.WaitRoutes(s.ctx, daemon.Protocol, func(have map[netip.Prefix]lab.Route) bool {
		return len(diff(have, want)) == 0
	})
	if err != nil {
		have, _ := s.Router.Routes(daemon.Protocol)
		got := make(fib)
		for _, r := range have {
			got[r.Prefix] = r
		}
		t.Fatalf("%v:\n%s", err, strings.Join(diff(got, want), "\n"))
	}
}

// exact fails the test unless the kernel holds exactly want now.
func (s *site) exact(t *testing.T, want fib) {
	t.Helper()
	if d := diff(s.Routes(t), want); len(d) > 0 {
		t.Errorf("the kernel's routes are not as they should be:\n%s", strings.Join(d, "\n"))
	}
}

// diff says how have differs from want, in sorted lines; the covering route is
// left out.
func diff(have, want fib) []string {
	var lines []string
	for p, r := range have {
		if w, ok := want[p]; !r.Blackhole && (!ok || w != r) {
			lines = append(lines, fmt.Sprintf("%s: there is via %s dev %s", p, r.Gateway, r.Dev))
		}
	}
	for p, w := range want {
		if r, ok := have[p]; !ok || r != w {
			lines = append(lines, fmt.Sprintf("%s: want via %s dev %s", p, w.Gateway, w.Dev))
		}
	}
	slices.Sort(lines)
	return lines
}

// must ends the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// forgetState removes what a daemon keeps on disk.
func (s *site) forgetState() error { return os.RemoveAll(s.Path("state")) }
