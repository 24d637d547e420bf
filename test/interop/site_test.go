//go:build linux

package interop

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

const (
	// clients gives MixedLeases more than 2,000 live delegated prefixes.
	clients = 2500
	// gatePort is where the gate before Kea listens, on Kea's address.
	gatePort = 5470
	// keaPort is where Kea itself does.
	keaPort = 547
	// patience bounds the wait for what a test is then found to lack.
	patience = 30 * time.Second
)

// compareAddresses lets cmp look at what package netip keeps private.
var compareAddresses = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

// A site is an edge with a Kea, a gate before it, and a monitor of the
// router's kernel.
type site struct {
	*lab.Edge
	data   lab.KeaDataset
	kea    *lab.Kea // not yet started
	gate   *lab.Gate
	kernel *monitor

	crashes atomic.Int32 // of Kea, by itself; see guardKea
}

// mixed is the dataset that has everything in it. No client in it was heard
// just now: what a test lets happen next is no tie (R75).
func mixed(e *lab.Edge) lab.KeaDataset { return e.MixedLeases(clients, time.Now().Add(-time.Minute)) }

// plain returns the recipe for n clients with one live prefix each.
func plain(n int) func(*lab.Edge) lab.KeaDataset {
	return func(e *lab.Edge) lab.KeaDataset { return e.PlainLeases(n, time.Now()) }
}

// newSite makes a site whose Kea will know what data makes.
func newSite(t *testing.T, data func(*lab.Edge) lab.KeaDataset) *site {
	t.Helper()
	e := labtest.NewEdge(t, lab.KeaLinks)
	tree, err := lab.FetchKea(t.Context(), t.Output())
	must(t, err)
	s := &site{Edge: e, data: data(e)}
	// The gate asks in the requestor's place.
	s.data.Config.Requesters = []netip.Addr{lab.RouterAddress, lab.ServerAddress}
	s.kea, err = e.NewKea(e.Server, tree, s.data.Config, s.data.Leases)
	must(t, err)
	s.gate, err = e.Server.NewGate(at(gatePort), at(keaPort))
	must(t, err)
	s.kernel = newMonitor(t, e.Router)
	background(t, s.gate.Run)
	return s
}

// startSite is newSite with Kea running.
func startSite(t *testing.T, data func(*lab.Edge) lab.KeaDataset) *site {
	t.Helper()
	s := newSite(t, data)
	s.startKea(t)
	return s
}

// startKea starts Kea, also within a subtest: it lives as long as the lab.
func (s *site) startKea(t *testing.T) {
	t.Helper()
	must(t, s.kea.Start(context.Background()))
}

// reboot is a power cut at the router, whose state file is lost with it: all
// that it will know comes from Kea. What ran there has ended.
func (s *site) reboot(t *testing.T) {
	t.Helper()
	must(t, s.Reboot(t.Context()))
	for _, p := range s.Processes() {
		if strings.Contains(p.Name(), "leaseroute run") {
			<-p.Ended()
		}
	}
	must(t, os.RemoveAll(s.Path("state")))
}

// at is a port on Kea's address.
func at(port uint16) string { return netip.AddrPortFrom(lab.ServerAddress, port).String() }

// background runs f until the test is over.
func background(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A setup is a configuration of leaseroute.
type setup struct {
	port    uint16   // of the server; 0: gatePort
	relayID []byte   // nil: that of the dataset
	server  []string // more lines about the server
	allow   []string // more lines about what is delegated
	extra   []string // more lines at the top level
}

// hurry asks about suspects as fast as Kea answers.
const hurry = "suspect_rate: 100000"

// by is a line about the server: ask by these queries only.
func by(queries string) string { return "queries: [" + queries + "]" }

// yaml writes the configuration.
func (c setup) yaml(data lab.KeaDataset) string {
	if c.port == 0 {
		c.port = gatePort
	}
	if c.relayID == nil {
		c.relayID = data.RelayID
	}
	lines := []string{
		fmt.Sprintf("relay_id: %q", fmt.Sprintf("%x", c.relayID)),
		`interfaces: { access: ["acc*"], core: ["core0"] }`,
		remoteIDs(data),
		"delegation:",
		fmt.Sprintf("  allowed: [%q]", lab.Delegated),
	}
	for _, l := range c.allow {
		lines = append(lines, "  "+l)
	}
	lines = append(lines,
		"servers:",
		"  - name: kea",
		fmt.Sprintf("    address: %q", at(c.port)),
		fmt.Sprintf("    source: %q", lab.RouterAddress))
	for _, l := range c.server {
		lines = append(lines, "    "+l)
	}
	return strings.Join(append(lines, c.extra...), "\n")
}

// remoteIDs writes the dataset's remote-ids: an enterprise number, and text.
func remoteIDs(data lab.KeaDataset) string {
	var ids []string
	for _, id := range data.RemoteIDs {
		n := uint32(id[0])<<24 | uint32(id[1])<<16 | uint32(id[2])<<8 | uint32(id[3])
		ids = append(ids, fmt.Sprintf("%q", fmt.Sprintf("%d:%s", n, id[4:])))
	}
	return "remote_ids: [" + strings.Join(ids, ", ") + "]"
}

// daemon prepares a leaseroute with a configuration.
func (s *site) daemon(t *testing.T, c setup) *daemon.Daemon {
	t.Helper()
	return daemon.New(t, s.Edge, c.yaml(s.data))
}

// settled waits until the recovery is over and nothing is in doubt any more.
func settled(t *testing.T, d *daemon.Daemon) control.Status {
	t.Helper()
	return d.Wait(t, "recovery without doubts", isSettled)
}

func isSettled(s control.Status) bool {
	return s.State == "recovered" && s.ByState["suspect"] == 0 && s.ByState["pending"] == 0 &&
		s.Refused["doubtful, held back until it is confirmed"] == 0
}

// rounded reports whether so many rounds are complete and nothing is in doubt.
func rounded(n uint64) func(control.Status) bool {
	return func(s control.Status) bool { return isSettled(s) && s.Servers[0].Rounds >= n }
}

// resync asks for a round about everything.
func resync(t *testing.T, d *daemon.Daemon) {
	t.Helper()
	var r control.Resync
	must(t, d.Client().Post(t.Context(), "/v1/resync", nil, &r))
}

// exact waits until the kernel's routes are the live leases, and fails the
// test with the difference if they don't become so.
func (s *site) exact(t *testing.T) {
	t.Helper()
	s.exactly(t, s.data.Live)
}

// exactly is exact for other routes, which are sorted.
func (s *site) exactly(t *testing.T, want []lab.Route) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := s.Router.WaitRoutes(ctx, daemon.Protocol, func(have map[netip.Prefix]lab.Route) bool { return sameRoutes(have, want) })
	if err == nil {
		return
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	got, err := s.Router.Routes(daemon.Protocol)
	must(t, err)
	want = append([]lab.Route{{Prefix: lab.Delegated, Blackhole: true}}, want...)
	t.Fatalf("the kernel's routes and the live leases (-leases +kernel):\n%s", cmp.Diff(want, got, compareAddresses))
}

// sameRoutes compares routes beside the covering one.
func sameRoutes(have map[netip.Prefix]lab.Route, want []lab.Route) bool {
	if len(have) != len(want)+1 || !have[lab.Delegated].Blackhole {
		return false
	}
	for _, r := range want {
		if have[r.Prefix] != r {
			return false
		}
	}
	return true
}

// live returns the prefixes that have a live lease.
func (s *site) live() map[netip.Prefix]bool {
	live := make(map[netip.Prefix]bool, len(s.data.Live))
	for _, r := range s.data.Live {
		live[r.Prefix] = true
	}
	return live
}
