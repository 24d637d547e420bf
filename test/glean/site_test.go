//go:build linux

package glean

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

const (
	// relayID is what leaseroute calls itself. dhcrelay says nothing of it.
	relayID = "0003000102000000eeee"
	// patience bounds a test: a client that was not answered may wait for 10 s
	// before it asks again, and the kernel forgets within two intervals of 30 s.
	patience = 100 * time.Second
)

// A server is what the tests need of Kea and of dhcpd.
type server interface {
	Start(context.Context) error
	Stop(context.Context) error
	Serve(lab.Service) error
	Held(time.Time) ([]lab.Lease, error)
	WaitHeld(context.Context, func([]lab.Lease) bool) error
	Forget() error
}

// A place is where a client is: what a route to it needs.
type place struct {
	gateway netip.Addr
	dev     string
}

// A site is an edge with a real server, a real relay and leaseroute.
type site struct {
	*lab.Edge
	*daemon.Daemon
	ctx    context.Context // ends when the test has waited too long
	tree   lab.PeerTree
	served lab.Service
	server server
	kea    *lab.Kea   // nil if the server is dhcpd
	dhcpd  *lab.Dhcpd // nil if it is Kea
	relay  *lab.Relay
	places map[string]place // where a client is that holds a lease, by DUID

	promised map[netip.Prefix]time.Time // until when a client was told that it has a lease
	clients  []*lab.Client

	unasked bool // the server is never asked for everything
}

// A setup says how a site is made. Only server must be set.
type setup struct {
	server string // "Kea" or "dhcpd"
	access int    // links; 0: two
	serve  func(*lab.Service)
	config []string // more lines in YAML
	entry  string   // more of what is configured about the server
}

// eachServer runs a test with Kea and with dhcpd, on a site of its own. The
// site's leaseroute is running.
func eachServer(t *testing.T, c setup, test func(t *testing.T, s *site)) {
	t.Parallel()
	for _, name := range []string{"Kea", "dhcpd"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := c
			c.server = name
			s := newSite(t, c)
			s.start(t)
			test(t, s)
		})
	}
}

// newSite makes a site in which leaseroute does not run yet.
func newSite(t *testing.T, c setup) *site {
	t.Helper()
	if c.access == 0 {
		c.access = 2
	}
	s := newBareSite(t, c.access)
	ctx := s.ctx
	var err error
	s.tree, err = lab.FetchPeers(ctx, t.Output())
	must(t, err)
	s.served = s.Service()
	if c.serve != nil {
		c.serve(&s.served)
	}
	s.newServer(t, c.server)
	must(t, s.server.Start(ctx))
	s.relay, err = s.Relay(s.tree, false, s.Site())
	must(t, err)
	must(t, s.relay.Start(ctx))
	yaml := daemon.Config(relayID, append(c.config, "recovery: { give_up: 1s }")...)
	if c.entry != "" {
		yaml = strings.Replace(yaml, "{ name: dhcp1,", "{ name: dhcp1, "+c.entry+",", 1)
	}
	s.unasked = c.entry == lookupOnly
	s.Daemon = daemon.New(t, s.Edge, yaml)
	return s
}

// lookupOnly is the entry of a server that is asked about single leases only.
const lookupOnly = "bulk: false"

// newBareSite makes a site in which nothing runs, with so many access links.
func newBareSite(t *testing.T, access int) *site {
	t.Helper()
	s := &site{Edge: labtest.NewEdge(t, access), places: make(map[string]place), promised: make(map[netip.Prefix]time.Time)}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	s.ctx = ctx
	return s
}

// newServer prepares a server that holds no lease.
func (s *site) newServer(t *testing.T, name string) {
	t.Helper()
	if name == "dhcpd" {
		d, err := s.Site().Dhcpd(s.tree, s.served)
		must(t, err)
		s.server, s.dhcpd = d, d
		return
	}
	tree, err := lab.FetchKea(t.Context(), t.Output())
	must(t, err)
	s.kea, err = s.Site().Kea(tree, s.served)
	must(t, err)
	s.server = s.kea
}

// start starts leaseroute, and returns when it watches the wire and has asked
// the server, if that can be asked: dhcpd knows no bulk leasequery.
func (s *site) start(t *testing.T) {
	t.Helper()
	s.Start(t)
	s.asked(t)
}

// asked waits until leaseroute has had its first word from the server.
func (s *site) asked(t *testing.T) {
	t.Helper()
	if s.kea != nil || s.unasked {
		s.Recovered(t)
		return
	}
	s.Wait(t, "the server's refusal", func(now control.Status) bool {
		return now.State == "degraded" && now.Servers[0].Error != ""
	})
}

// client starts a client in a CPE of its own.
func (s *site) client(t *testing.T, a lab.Access, number uint16, c lab.ClientConfig) (*lab.CPE, *lab.Client) {
	t.Helper()
	cpe, err := s.NewCPE(s.ctx, a, number)
	must(t, err)
	s.places[string(cpe.DUID)] = place{cpe.LinkLocal, a.Name}
	client, err := cpe.NewClient(s.tree, c)
	must(t, err)
	must(t, client.Start(s.ctx))
	s.clients = append(s.clients, client)
	return cpe, client
}

// told waits until the client tells an event n times, and returns the prefixes
// in order.
func (s *site) told(t *testing.T, c *lab.Client, e lab.Event, n int) []netip.Prefix {
	t.Helper()
	var prefixes []netip.Prefix
	for range n {
		told, err := c.Wait(s.ctx, e)
		must(t, err)
		prefixes = append(prefixes, told.Prefix)
		s.promised[told.Prefix] = time.Now().Add(told.Valid)
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	return prefixes
}

// held waits until the server holds for a client what that has.
func (s *site) held(t *testing.T, cpe *lab.CPE, want ...netip.Prefix) {
	t.Helper()
	var got []netip.Prefix
	err := s.server.WaitHeld(s.ctx, func(leases []lab.Lease) bool {
		got = nil
		for _, l := range leases {
			if bytes.Equal(l.DUID, cpe.DUID) {
				got = append(got, l.Prefix)
			}
		}
		return slices.Equal(got, want)
	})
	if err != nil {
		t.Fatalf("the client has %v, the server holds %v: %v", want, got, err)
	}
}

// bound starts a client, waits for its leases and for the routes.
func (s *site) bound(t *testing.T, a lab.Access, number uint16, c lab.ClientConfig) (*lab.CPE, *lab.Client, []netip.Prefix) {
	t.Helper()
	cpe, client := s.client(t, a, number, c)
	leases := c.Prefixes
	if c.Address {
		leases++
	}
	got := s.told(t, client, lab.Bound, leases)
	s.held(t, cpe, got...)
	s.exact(t)
	return cpe, client, got
}

// must ends the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// watching waits until leaseroute watches the wire: only then does it turn to
// the servers.
func (s *site) watching(t *testing.T) {
	t.Helper()
	s.Wait(t, "the first try to ask the server", func(now control.Status) bool { return now.Servers[0].Error != "" })
}
