//go:build linux

package interop

import (
	"net/netip"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// TestRelayDataOfEveryShape looks at single leases of each shape, beside
// TestKeaBecomesRoutes, which compares all.
func TestRelayDataOfEveryShape(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	d := s.recovered(t, setup{server: []string{hurry}})
	routes := d.Routes(t)
	below := map[string]netip.Addr{"acc0": netip.MustParseAddr("2001:db8:1::99"), "acc1": netip.MustParseAddr("2001:db8:2::99")}
	shapes := []struct {
		name string
		of   func(lab.KeaLease) bool
		hop  func(l lab.KeaLease, dev string) netip.Addr
	}{
		{"C112 R90 a client on our link is its own next hop", func(l lab.KeaLease) bool { return len(l.Relays) == 1 },
			func(l lab.KeaLease, _ string) netip.Addr { return l.Relays[0].Peer }},
		{"C112 R90 so is one behind an access node, which relays without an address", behindNode,
			func(l lab.KeaLease, _ string) netip.Addr { return l.Relays[1].Peer }},
		{"C112 R90 one behind a router that relays is reached by that router", behindRouter,
			func(_ lab.KeaLease, dev string) netip.Addr { return below[dev] }},
	}
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			links, checked := make(map[string]int), 0
			for _, l := range s.data.Leases {
				r, live := routes[l.Prefix]
				if !live || !shape.of(l) {
					continue
				}
				checked++
				links[r.Dev]++
				if want := shape.hop(l, r.Dev); r.Gateway != want {
					t.Errorf("%s via %s, want %s", l.Prefix, r.Gateway, want)
				}
			}
			t.Logf("%d leases, by link %v", checked, links)
			if len(links) != lab.KeaLinks {
				t.Errorf("leases on %d links, want on all", len(links))
			}
		})
	}
}

func behindNode(l lab.KeaLease) bool {
	return len(l.Relays) == 2 && l.Relays[1].Link.IsUnspecified()
}

func behindRouter(l lab.KeaLease) bool {
	return len(l.Relays) == 2 && l.Relays[0].Link.IsUnspecified()
}

func TestLeasesWithoutRelayData(t *testing.T) {
	t.Parallel()
	// Kea stored nothing about the relays of the first three clients' messages.
	// The first has an address on the link as well.
	nowhere := make(map[netip.Prefix]bool)
	s := startSite(t, func(e *lab.Edge) lab.KeaDataset {
		data := plain(20)(e)
		for i := range 3 {
			data.Leases[i].Relays = nil
			nowhere[data.Leases[i].Prefix] = true
		}
		known := data.Leases[0]
		known.Prefix, known.IAID = netip.MustParsePrefix("2001:db8:1::abc/128"), 7
		data.Leases = append(data.Leases, known)
		data.Live = hopless(data.Live, data.Leases[0].Prefix, known.Prefix.Addr(), nowhere)
		return data
	})
	s.reboot(t)
	d := s.daemon(t, setup{server: []string{by("link-address")}})
	d.Start(t)
	got := d.Wait(t, "the answers to two questions", func(now control.Status) bool {
		return questioned(now) && now.Counters["suspects_asked"] == 2
	})
	t.Run("C113 R90 without a word about where the client is there is no route", func(t *testing.T) {
		s.exact(t)
		if got.ByState["unresolved"] != 2 || got.Servers[0].Counters["no_relay_data"] != 4+2 {
			t.Errorf("states %v, %d bindings without relay data; want 2 unresolved, 4 and 2 in answers to questions", got.ByState, got.Servers[0].Counters["no_relay_data"])
		}
	})
	t.Run("C113 they are shown, and why", func(t *testing.T) {
		for p := range nowhere {
			b := d.Bindings(t)[p.String()]
			if b.State == "unresolved" && (b.Reason != "nothing says where the client is" || b.NextHop != "") {
				t.Errorf("%+v", b)
			}
		}
	})
	t.Run("R90 an address of the client's on our link is the next hop", func(t *testing.T) {
		p := s.data.Leases[0].Prefix
		if r := d.Routes(t)[p]; r.Gateway.String() != "2001:db8:1::abc" || r.Dev != "acc0" {
			t.Errorf("%s: %+v", p, r)
		}
	})
}

// hopless leaves out the routes to prefixes whose next hop nobody knows, but
// for one, which is reached by an address of its client.
func hopless(live []lab.Route, but netip.Prefix, by netip.Addr, nowhere map[netip.Prefix]bool) []lab.Route {
	var out []lab.Route
	for _, r := range live {
		switch {
		case r.Prefix == but:
			r.Gateway = by
		case nowhere[r.Prefix]:
			continue
		}
		out = append(out, r)
	}
	sortRoutes(out)
	return out
}
