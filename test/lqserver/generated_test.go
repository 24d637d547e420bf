package lqserver

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

func testPlan() Plan {
	return Plan{
		Clients: 1000, Block: pools[0], Lengths: []int{48, 56, 60, 62}, Links: testLinks(3), Enterprise: 2495,
		ExtraEvery: 7, AddressEvery: 5, ExpiredEvery: 11,
	}
}

// everything returns what a store holds.
func everything(s Store) []Binding {
	var all []Binding
	c := s.Find(Match{Type: ByRelayID})
	for b := (Binding{}); c.Next(&b); b = (Binding{}) {
		all = append(all, b)
	}
	return all
}

func TestGenerated(t *testing.T) {
	g, err := Generate(testPlan())
	must(t, err)
	all := everything(g)
	t.Run("as many leases as planned", func(t *testing.T) {
		if want := 1000 + 143 + 200; len(all) != want {
			t.Errorf("%d leases, want %d", len(all), want)
		}
	})
	t.Run("prefixes are canonical, in the block, of the planned lengths, and do not overlap", func(t *testing.T) {
		lengths := make(map[int]int)
		var last netip.Prefix
		slices.SortFunc(all, func(a, b Binding) int { return a.Prefix.Addr().Compare(b.Prefix.Addr()) })
		for _, b := range all {
			if b.Prefix != b.Prefix.Masked() || b.Delegated != pools[0].Contains(b.Prefix.Addr()) || last.IsValid() && last.Overlaps(b.Prefix) {
				t.Fatalf("%s after %s", b.Prefix, last)
			}
			last = b.Prefix
			lengths[b.Prefix.Bits()]++
		}
		for _, n := range []int{48, 56, 60, 62, 128} {
			if lengths[n] == 0 {
				t.Errorf("no prefix of length %d", n)
			}
		}
	})
	t.Run("each client has its DUID, link-local, remote-id and link", func(t *testing.T) {
		seen := make(map[string]bool)
		for i := range g.Clients() {
			b := g.Leases(i)[0]
			r := b.Relays[0]
			seen[string(b.Client)+r.Peer.String()+string(r.RemoteID)] = true
			if !r.Peer.IsLinkLocalUnicast() || r.Link != g.plan.Links[i%3].Address.Addr() || string(r.InterfaceID) != "acc"+string(rune('0'+i%3)) {
				t.Fatalf("client %d: %+v", i, r)
			}
		}
		if len(seen) != g.Clients() {
			t.Errorf("%d different clients", len(seen))
		}
	})
	t.Run("each lease is found by address, client-id and remote-id", func(t *testing.T) {
		for _, want := range all {
			for _, m := range []Match{
				{Type: ByAddress, Address: lastAddr(want.Prefix)},
				{Type: ByClientID, Client: want.Client},
				{Type: ByRemoteID, RemoteID: want.Relays[0].RemoteID},
			} {
				if !found(g, m, want.Prefix) {
					t.Fatalf("%s not found by %s", want.Prefix, m.Type)
				}
			}
		}
	})
	t.Run("a client's leases are next to each other", func(t *testing.T) {
		done := make(map[string]bool)
		var last string
		for _, b := range everything(g) {
			if id := string(b.Client); id != last {
				if done[id] {
					t.Fatalf("client % x comes again", id)
				}
				done[id], last = true, id
			}
		}
	})
	t.Run("some have expired", func(t *testing.T) {
		expired := 0
		for i := range g.Clients() {
			if b := g.Leases(i)[0]; !b.active(time.Now()) {
				expired++
			}
		}
		if expired != 91 {
			t.Errorf("%d, want 91", expired)
		}
	})
	t.Run("a second run gives the same", func(t *testing.T) {
		again, err := Generate(testPlan())
		must(t, err)
		if a, b := g.Leases(77), again.Leases(77); a[0].Prefix != b[0].Prefix || !bytes.Equal(a[0].Client, b[0].Client) {
			t.Errorf("%+v, then %+v", a, b)
		}
	})
}

// lastAddr is the address at the far end of a prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	a := p.Addr().As16()
	for i := p.Bits(); i < 128; i++ {
		a[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom16(a)
}

func found(s Store, m Match, want netip.Prefix) bool {
	c := s.Find(m)
	for b := (Binding{}); c.Next(&b); b = (Binding{}) {
		if m.holds(&b, s.Segments()) && b.Prefix == want {
			return true
		}
	}
	return false
}

func TestGeneratedShuffle(t *testing.T) {
	for _, n := range []int{1, 2, 10, 1000, 1024} {
		p := testPlan()
		p.Clients, p.Shuffle, p.ExtraEvery, p.AddressEvery = n, true, 0, 0
		g, err := Generate(p)
		must(t, err)
		all := everything(g)
		inOrder := slices.IsSortedFunc(all, func(a, b Binding) int { return a.Prefix.Addr().Compare(b.Prefix.Addr()) })
		slices.SortFunc(all, func(a, b Binding) int { return a.Prefix.Addr().Compare(b.Prefix.Addr()) })
		all = slices.CompactFunc(all, func(a, b Binding) bool { return a.Prefix == b.Prefix })
		if len(all) != n || inOrder && n > 2 {
			t.Errorf("%d clients: %d different ones, in order: %v", n, len(all), inOrder)
		}
	}
}

func TestGeneratedAccessNode(t *testing.T) {
	p := testPlan()
	p.AccessNode = true
	g, err := Generate(p)
	must(t, err)
	s := serve(t, g, nil)
	for _, a := range []ask{byRelayID(testRelayID), byRemoteID(g.RemoteID(5)), byLink("2001:db8:2::1")} {
		got := leases(t, messages(t, s, a.wanting(dhcpv6.OptionLQRelayData)))
		if len(got) == 0 {
			t.Fatalf("nothing by %s", a.typ)
		}
		inner := got[0].relay.Options.RelayMessage().(*dhcpv6.RelayMessage)
		if !inner.LinkAddr.IsUnspecified() || inner.Options.InterfaceID() == nil || got[0].relay.Options.InterfaceID() != nil {
			t.Errorf("by %s: %s", a.typ, got[0].relay.Summary())
		}
	}
}

func TestImpossiblePlans(t *testing.T) {
	for name, change := range map[string]func(*Plan){
		"no links":                 func(p *Plan) { p.Links = nil },
		"no block":                 func(p *Plan) { p.Block = netip.Prefix{} },
		"prefixes above the block": func(p *Plan) { p.Lengths = []int{32} },
		"prefixes below 64 bits":   func(p *Plan) { p.Lengths = []int{65} },
		"a length over 128":        func(p *Plan) { p.Lengths = []int{56, 129} },
		"a block that is too small": func(p *Plan) {
			p.Block = netip.MustParsePrefix("2001:db8:8000::/40")
		},
		"negative clients":             func(p *Plan) { p.Clients = -1 },
		"more withheld than there are": func(p *Plan) { p.Withheld = p.Clients + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			p := testPlan()
			change(&p)
			if _, err := Generate(p); err == nil {
				t.Error("accepted")
			}
		})
	}
}
