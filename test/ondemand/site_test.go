//go:build linux

package ondemand

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
	"leaseroute/test/lqserver"
)

const (
	relayID   = "0003000102000000eeee" // the router's DUID
	otherPort = 5470                   // of the second server
	// patience is how long a site may be used: an exchange with a server that
	// is dead takes up to 31 s.
	patience = 100 * time.Second
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
	ctx   context.Context // ends when the test has waited too long
	marks uint16          // see settle
}

// newSite makes one; leaseroute is not started.
func newSite(t *testing.T, config string) *site {
	t.Helper()
	e := labtest.NewEdge(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &site{Edge: e, Daemon: daemon.New(t, e, config), ctx: ctx}
}

// server is the entry of a server in the configuration; more is YAML.
func server(name string, port int, more ...string) string {
	parts := withDefaults(append([]string{"name: " + name}, more...),
		fmt.Sprintf("address: %q", netip.AddrPortFrom(lab.ServerAddress, uint16(port))),
		fmt.Sprintf("source: %q", lab.RouterAddress))
	return "  - { " + strings.Join(parts, ", ") + " }"
}

// dhcp1 is the entry of the first server.
func dhcp1(more ...string) string { return server("dhcp1", 547, more...) }

// dhcp2 is the entry of the second server.
func dhcp2(more ...string) string { return server("dhcp2", otherPort, more...) }

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
// entries first.
func config(lines ...string) string {
	out := append([]string{"servers:"}, lines...)
	out = withDefaults(out,
		fmt.Sprintf("relay_id: %q", relayID),
		`interfaces: { access: ["acc*"], core: ["core0"] }`,
		fmt.Sprintf("delegation: { allowed: [%q], lengths: %q }", lab.Delegated, "56"))
	return strings.Join(out, "\n")
}

// serve runs a server at a port, over TCP and UDP, until the test is over.
func (s *site) serve(t *testing.T, port int, store lqserver.Store, o lqserver.Options) *lqserver.Server {
	t.Helper()
	var err error
	o.Listener, err = s.Server.Listen("tcp", fmt.Sprintf("[::]:%d", port))
	must(t, err)
	return s.serveLookups(t, port, store, o)
}

// serveLookups is serve, over UDP alone.
func (s *site) serveLookups(t *testing.T, port int, store lqserver.Store, o lqserver.Options) *lqserver.Server {
	t.Helper()
	var err error
	o.Packets, err = s.Server.ListenPacket("udp", fmt.Sprintf("[::]:%d", port))
	must(t, err)
	if o.DUID == nil {
		o.DUID = serverDUID
	}
	server, err := lqserver.New(o, store)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("run the server:", err)
		}
	})
	return server
}

// list is a server's database for the site, to be filled by hand.
func (s *site) list(leases ...lqserver.Binding) *lqserver.List {
	var segments []netip.Prefix
	for _, a := range s.Access {
		segments = append(segments, netip.PrefixFrom(a.Address, 64).Masked())
	}
	l := lqserver.NewList(segments, []netip.Prefix{lab.Delegated})
	l.Set(leases...)
	return l
}

// lease is the n-th site's prefix, of a client of that number on a link, valid
// for a day from ten minutes ago on.
func (s *site) lease(n uint16, link int) lqserver.Binding {
	return lqserver.Binding{
		Client: clientDUID(n), Prefix: prefix(n), Delegated: true,
		Preferred: 12 * time.Hour, Valid: 24 * time.Hour, Last: time.Now().Add(-10 * time.Minute),
		Relays: []lqserver.Relay{{Link: s.Access[link].Address, Peer: linkLocal(n), RelayID: routerDUID}},
	}
}

// withheld is a lease that the server tells only when asked about it.
func withheld(b lqserver.Binding) lqserver.Binding {
	b.Withheld = true
	return b
}

// heard is a lease as if the client had spoken so long ago.
func heard(ago time.Duration, b lqserver.Binding) lqserver.Binding {
	b.Last = time.Now().Add(-ago)
	return b
}

// prefix is the n-th site's.
func prefix(n uint16) netip.Prefix {
	a := lab.Delegated.Addr().As16()
	a[5], a[6] = byte(n>>8), byte(n)
	return netip.PrefixFrom(netip.AddrFrom16(a), 56)
}

// address is one inside the n-th site.
func address(n uint16) netip.Addr {
	a := prefix(n).Addr().As16()
	a[7], a[15] = 0x17, 5
	return netip.AddrFrom16(a)
}

// linkLocal, clientDUID and mac are those that lab.CPE has.
func linkLocal(n uint16) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("fe80::c0:%x", n))
}

func mac(n uint16) net.HardwareAddr {
	return net.HardwareAddr{2, 0, 0, 0xc0, byte(n >> 8), byte(n)}
}

func clientDUID(n uint16) []byte { return append([]byte{0, 3, 0, 1}, mac(n)...) }

// routeOf is the route that a lease should have.
func (s *site) routeOf(b lqserver.Binding) lab.Route {
	r := lab.Route{Prefix: b.Prefix, Gateway: b.Relays[0].Peer}
	for _, a := range s.Access {
		if a.Address == b.Relays[0].Link {
			r.Dev = a.Name
		}
	}
	return r
}

// holds waits until the kernel holds the routes of exactly these leases.
func (s *site) holds(t *testing.T, leases ...lqserver.Binding) {
	t.Helper()
	err := s.Router.WaitRoutes(s.ctx, daemon.Protocol, func(have map[netip.Prefix]lab.Route) bool {
		return s.same(have, leases)
	})
	if err != nil {
		t.Fatalf("%v:\n%s", err, s.diff(s.Routes(t), leases))
	}
}

// exact fails the test unless the kernel holds the routes of exactly these
// leases now.
func (s *site) exact(t *testing.T, leases ...lqserver.Binding) {
	t.Helper()
	if have := s.Routes(t); !s.same(have, leases) {
		t.Errorf("the kernel's routes are not as they should be:\n%s", s.diff(have, leases))
	}
}

// same reports whether routes are those of leases, the covering route aside.
func (s *site) same(have map[netip.Prefix]lab.Route, leases []lqserver.Binding) bool {
	return s.diff(have, leases) == ""
}

// diff says how routes differ from those of leases, a line for each.
func (s *site) diff(have map[netip.Prefix]lab.Route, leases []lqserver.Binding) string {
	want := make(map[netip.Prefix]lab.Route)
	var lines []string
	for _, b := range leases {
		want[b.Prefix] = s.routeOf(b)
		if have[b.Prefix] != want[b.Prefix] {
			lines = append(lines, fmt.Sprintf("%s: want via %s dev %s", b.Prefix, want[b.Prefix].Gateway, want[b.Prefix].Dev))
		}
	}
	for p, r := range have {
		if !r.Blackhole && want[p] != r {
			lines = append(lines, fmt.Sprintf("%s: there is via %s dev %s", p, r.Gateway, r.Dev))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
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
