//go:build linux

package interop

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/binding"
	"leaseroute/test/lab"
)

// TestTwoServersNameTwoClients has two Keas report different clients for the
// same prefixes. The second one reports by relay-id what is over, too (PEERS.md
// 2, fact 2).
func TestTwoServersNameTwoClients(t *testing.T) {
	t.Parallel()
	const (
		day   = 24 * time.Hour
		stale = day + 10*time.Minute // since the client was heard, of a lease that is over

		namesAnother = "a server names another client [R79]"
	)
	claims := []claim{
		{name: "R77 the second server's is over, and older: the first one's stays",
			first: tenure{heard: time.Hour, valid: day}, second: tenure{heard: stale, valid: day},
			story: []string{"bulk from kea2 (on acc1): the client spoke to its server earlier [R77]", namesAnother}},
		{name: "R42 R77 the second server's is over, but younger: it is denied, and the first one's comes back",
			first: tenure{heard: 30 * time.Hour, valid: 90 * time.Hour}, second: tenure{heard: stale, valid: day}, gap: true,
			story: []string{"bulk from kea2 (on acc1): the client spoke to its server later [R77]", "client last spoke longer ago than the lease lasts",
				"lookup from kea2: server says that nobody holds it [R42]", "lookup from kea (on acc1): first word about this lease [R70]"}},
		{name: "R77 both are held: who was heard later has it",
			first: tenure{heard: 2 * time.Hour, valid: day}, second: tenure{heard: time.Hour, valid: day}, younger: true,
			story: []string{"bulk from kea2 (on acc1): the client spoke to its server later [R77]", namesAnother}},
	}
	s := newSite(t, plain(240))
	// What is over must not be on Kea's first page.
	disputed := s.data.Live[len(s.data.Live)-len(claims):]
	second := s.secondKea(t, disputed, claims)
	d := s.daemon(t, setup{port: keaPort, server: []string{by("relay-id")}, extra: []string{
		another("kea2", secondAddress, by("relay-id"), hurry), blind}})
	s.startKea(t)
	s.kernel.reset(t)
	d.Start(t)
	d.Wait(t, "the first server's round", func(now control.Status) bool { return now.Servers[0].Rounds == 1 })
	must(t, second.Start(t.Context()))
	settled(t, d)
	s.exact(t)
	removed := count(s.kernel.sightings(t).removed)
	for i, c := range claims {
		t.Run(c.name, func(t *testing.T) {
			p := disputed[i].Prefix
			explained(t, d, p, c.story...)
			if n := removed[p]; (n > 0) != c.gap {
				t.Errorf("the route was removed %d times", n)
			}
			if b := d.Bindings(t)[p.String()]; b.Source != "lookup" || b.State != "installed" {
				t.Errorf("%+v", b)
			}
		})
	}
}

// A tenure is what a server says of a client's lease.
type tenure struct {
	heard, valid time.Duration // since the client was, and from then on
}

// A claim is what two servers say of one prefix.
type claim struct {
	name          string
	first, second tenure
	younger       bool // the second server's client has it in the end
	gap           bool // for a moment, nobody has it
	story         []string
}

// lease makes a lease of it, by a client of the server's own.
func (c tenure) lease(of lab.KeaLease, server byte) lab.KeaLease {
	of.DUID = append([]byte{0, 3, 0, 1, 2, 0, server}, of.DUID[7:]...)
	of.CLT = time.Now().Truncate(time.Second).Add(-c.heard)
	of.Valid = uint32(c.valid.Seconds())
	of.Relays = append([]binding.Relay(nil), of.Relays...)
	of.Relays[0].Peer = netip.MustParseAddr(fmt.Sprintf("fe80::%x:%x", server, of.DUID[len(of.DUID)-2:]))
	return of
}

// secondAddress is where the second Kea is.
var secondAddress = netip.MustParseAddr("2001:db8:0:1::101")

// secondKea prepares another Kea, which has all leases of the dataset. The first
// one is left with its own of those that are disputed.
func (s *site) secondKea(t *testing.T, disputed []lab.Route, claims []claim) *lab.Kea {
	t.Helper()
	place, err := s.AddSite(t.Context(), 1)
	must(t, err)
	if place.Address != secondAddress {
		t.Fatalf("the second server is at %s", place.Address)
	}
	var ours []lab.KeaLease
	for i, c := range claims {
		for j, l := range s.data.Leases {
			if l.Prefix != disputed[i].Prefix {
				continue
			}
			mine, other := c.first.lease(l, 1), c.second.lease(l, 2)
			ours, s.data.Leases[j] = append(ours, mine), other
			disputed[i].Gateway = mine.Relays[0].Peer
			if c.younger {
				disputed[i].Gateway = other.Relays[0].Peer
			}
		}
	}
	must(t, s.kea.WriteLeases(ours))
	tree, err := lab.FetchKea(t.Context(), t.Output())
	must(t, err)
	config := s.data.Config
	config.Address = place.Address
	kea, err := s.NewKea(place.Space, tree, config, s.data.Leases)
	must(t, err)
	return kea
}

// another is one more server's lines, to be the first of a setup's extra ones.
func another(name string, at netip.Addr, lines ...string) string {
	out := fmt.Sprintf("  - name: %s\n    address: %q\n    source: %q", name, netip.AddrPortFrom(at, keaPort), lab.RouterAddress)
	for _, l := range lines {
		out += "\n    " + l
	}
	return out
}
