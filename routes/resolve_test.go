package routes

import (
	"net/netip"
	"testing"

	"leaseroute/binding"
)

var ourDUID = []byte{0, 4, 1, 2, 3, 4}

// resolveLinks has two access ports with addresses of their own, one
// unnumbered, a point-to-point one, two that share a gateway address, a core
// port, and a loopback.
func resolveLinks() *Links {
	l := NewLinks(LinksOptions{
		Access: []string{"acc*", "ppp*", "core9"}, Core: []string{"core*"}, RelayID: ourDUID,
		InterfaceIDs: []InterfaceID{
			{ID: []byte("ge-0/0/1"), Interface: "acc1"},
			{ID: []byte("to-core"), Interface: "core0"},
			{ID: []byte("absent"), Interface: "acc99"},
		},
	})
	devices := []device{{index: 1, name: "lo"}, {index: 2, name: "acc0"}, {index: 3, name: "acc1"}, {index: 4, name: "acc2"},
		{index: 5, name: "ppp0", pointToPoint: true}, {index: 6, name: "acc3"}, {index: 7, name: "acc4"}, {index: 8, name: "core0"}, {index: 9, name: "core9"}}
	var addresses []address
	for _, a := range []struct {
		index  int32
		prefix string
	}{
		{1, "2001:db8:f::1/128"}, {2, "2001:db8:0:a0::1/64"}, {2, "2001:db8:0:a000::1/52"}, {2, "fe80::1/64"}, {3, "fe80::1/64"}, {3, "2001:db8:0:a1::1/64"},
		{5, "2001:db8:0:b0::1/64"}, {6, "2001:db8:0:c::1/64"}, {7, "2001:db8:0:c::1/64"}, {8, "2001:db8:0:1::2/64"}, {9, "2001:db8:0:9::2/64"},
	} {
		p := netip.MustParsePrefix(a.prefix)
		addresses = append(addresses, address{a.index, p.Addr(), p.Masked()})
	}
	l.now.Store(l.build(devices, addresses))
	return l
}

// relay makes one layer; id and relayID may be nil.
func relay(link, peer string, id string, relayID []byte) binding.Relay {
	r := binding.Relay{Link: netip.MustParseAddr(link), Peer: netip.MustParseAddr(peer), RelayID: relayID}
	if id != "" {
		r.InterfaceID = []byte(id)
	}
	return r
}

func TestResolve(t *testing.T) {
	const (
		onACC0, onACC1 = "2001:db8:0:a0::1", "2001:db8:0:a1::1"
		client, node   = "fe80::c", "fe80::a"
	)
	layers := func(r ...binding.Relay) []binding.Relay { return r }
	tests := []struct {
		name   string
		relays []binding.Relay // outermost first
		port   string          // empty: unresolved
		hop    string          // empty: none needed
	}{
		{"C112 one relay, us, by link-address", layers(relay(onACC0, client, "", nil)), "acc0", client},
		{"C112 the mapping comes before the link-address", layers(relay(onACC0, client, "ge-0/0/1", nil)), "acc1", client},
		{"C112 the link-address comes before a name", layers(relay(onACC0, client, "acc1", nil)), "acc0", client},
		{"C112 dhcrelay's four octets are not an index", layers(relay(onACC0, client, "\x03\x00\x00\x00", nil)), "acc0", client},
		{"C112 a relay-id with a link-address on no port: the Interface-Id is a name", layers(relay("2001:db8:ff::1", client, "acc2", ourDUID)), "acc2", client},
		{"C112 unnumbered: the loopback's link-address, and a name", layers(relay("2001:db8:f::1", client, "acc2", nil)), "acc2", client},
		{"R90 the loopback's link-address alone names no port", layers(relay("2001:db8:f::1", client, "", nil)), "", ""},
		{"R90 a link-address that two ports share names none", layers(relay("2001:db8:0:c::1", client, "", nil)), "", ""},
		{"C112 a shared link-address, and a name", layers(relay("2001:db8:0:c::1", client, "acc4", nil)), "acc4", client},
		{"R90 a core link is never a port", layers(relay("2001:db8:0:1::2", client, "", nil)), "", ""},
		{"R90 nor by name", layers(relay("2001:db8:f::1", client, "core0", nil)), "", ""},
		{"R90 nor by the mapping", layers(relay("2001:db8:f::1", client, "to-core", nil)), "", ""},
		{"R90 nor if an access pattern matches it as well", layers(relay("2001:db8:0:9::2", client, "core9", nil)), "", ""},
		{"C112 the mapping may name a port that is not there yet", layers(relay("2001:db8:f::1", client, "absent", nil)), "acc99", client},
		{"C112 an LDRA below us", layers(relay(onACC0, node, "", nil), relay("::", client, "port7", nil)), "acc0", client},
		{"C112 two access nodes below us", layers(relay(onACC0, "fe80::b", "", nil), relay("::", node, "", nil), relay("::", client, "", nil)), "acc0", client},
		{"C112 the access node's Interface-Id does not count", layers(relay(onACC0, node, "", nil), relay("::", client, "ge-0/0/1", nil)), "acc0", client},
		{"C112 a relay below us routes: it is the next hop", layers(relay(onACC0, "2001:db8:0:a0::77", "", nil), relay("2001:db8:5::1", client, "", nil)), "acc0", "2001:db8:0:a0::77"},
		{"C112 an LDRA, then a relay that routes", layers(relay(onACC0, "fe80::b", "", nil), relay("::", node, "", nil), relay("2001:db8:5::1", client, "", nil)), "acc0", node},
		{"C112 an LDRA below the router below us is not our concern", layers(relay(onACC0, node, "", nil), relay("2001:db8:5::1", "fe80::d", "", nil), relay("::", client, "", nil)), "acc0", node},
		{"C112 relays between the server and us", layers(relay("2001:db8:9::1", "2001:db8:8::1", "acc1", nil), relay("::", onACC0, "acc1", nil), relay(onACC0, client, "", nil)), "acc0", client},
		{"C112 our link-address is ::, the peer is global and on a port's link", layers(relay("::", "2001:db8:0:a1::77", "", ourDUID), relay("2001:db8:5::1", client, "", nil)), "acc1", "2001:db8:0:a1::77"},
		{"R90 our link-address is ::, and the peer is nowhere near", layers(relay("::", "2001:db8:77::77", "", ourDUID), relay("2001:db8:5::1", client, "", nil)), "", ""},
		{"R90 our link-address is ::, and the peer on the core", layers(relay("::", "2001:db8:0:1::77", "", ourDUID)), "", ""},
		{"R90 a relay-id that is not ours", layers(relay("2001:db8:9::1", client, "acc0", []byte{0, 4, 9, 9, 9, 9})), "", ""},
		{"R90 :: without our relay-id is nobody's", layers(relay("::", client, "acc0", nil)), "", ""},
		{"R90 our layer is missing", layers(relay("2001:db8:9::1", client, "", nil), relay("2001:db8:5::1", client, "", nil)), "", ""},
		{"C113 no relays", nil, "", ""},
		{"C112 point-to-point needs no next hop", layers(relay("2001:db8:0:b0::1", client, "", nil)), "ppp0", ""},
		{"R90 an unspecified peer is no next hop", layers(relay(onACC1, "::", "", nil)), "", ""},
		{"R90 a multicast peer is no next hop", layers(relay(onACC1, "ff02::1:2", "", nil)), "", ""},
		{"C112 eight relays below us, the most there can be", append(layers(relay(onACC0, node, "", nil)), manyNodes(8, client)...), "acc0", client},
	}
	l := resolveLinks()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, hop := l.Resolve(tt.relays)
			if l.Name(n) != tt.port {
				t.Errorf("port %q, want %q", l.Name(n), tt.port)
			}
			if hop.IsValid() != (tt.hop != "") || hop.IsValid() && hop.String() != tt.hop {
				t.Errorf("next hop %s, want %q", hop, tt.hop)
			}
		})
	}
}

// manyNodes makes n access nodes, the last of which heard the client.
func manyNodes(n int, client string) []binding.Relay {
	nodes := make([]binding.Relay, n)
	for i := range nodes {
		nodes[i] = relay("::", "fe80::b", "", nil)
	}
	nodes[n-1].Peer = netip.MustParseAddr(client)
	return nodes
}

func TestResolveAddress(t *testing.T) {
	tests := []struct{ name, address, port string }{
		{"DESIGN.md 4: on a port's link", "2001:db8:0:a1::5", "acc1"},
		{"DESIGN.md 4: on the link with the shorter prefix", "2001:db8:0:a123::5", "acc0"},
		{"on the core", "2001:db8:0:1::5", ""},
		{"on a link that two ports share", "2001:db8:0:c::5", ""},
		{"nowhere", "2001:db8:1::5", ""},
		{"another family", "192.0.2.1", ""},
	}
	l := resolveLinks()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := l.Name(l.ResolveAddress(netip.MustParseAddr(tt.address))); got != tt.port {
				t.Errorf("port %q, want %q", got, tt.port)
			}
		})
	}
	if l.ResolveAddress(netip.Addr{}) != 0 {
		t.Error("no address is on no link")
	}
}

func TestResolveDoesNotAllocate(t *testing.T) {
	l := resolveLinks()
	relays := []binding.Relay{relay("2001:db8:9::1", "fe80::a", "", nil), relay("2001:db8:0:a0::1", "fe80::a", "x", nil), relay("::", "fe80::c", "port7", nil)}
	if n := testing.AllocsPerRun(100, func() { l.Resolve(relays) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkResolve(b *testing.B) {
	l := resolveLinks()
	relays := []binding.Relay{relay("2001:db8:0:a0::1", "fe80::a", "\x00\x00\x00\x03", nil)}
	b.ReportAllocs()
	for b.Loop() {
		l.Resolve(relays)
	}
}
