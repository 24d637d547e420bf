package lqserver

import (
	"net/netip"
	"time"
)

var (
	clientA  = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xa}
	clientB  = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xb}
	clientC  = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xc}
	remoteA  = []byte{0, 0, 0x09, 0xbf, 'a'}
	remoteB  = []byte{0, 0, 0x09, 0xbf, 'b'}
	otherID  = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 2}
	segments = []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/48"), netip.MustParsePrefix("2001:db8:2::/48")}
	pools    = []netip.Prefix{netip.MustParsePrefix("2001:db8:8000::/33")}
)

// relayed returns a relay header on the n-th link.
func relayed(n byte, relayID, remoteID []byte) []Relay {
	link := segments[n-1].Addr().As16()
	link[15] = 1
	return []Relay{{
		Link: netip.AddrFrom16(link), Peer: netip.AddrFrom16([16]byte{0xfe, 0x80, 15: 0xa}),
		InterfaceID: []byte("acc0"), RelayID: relayID, RemoteID: remoteID,
	}}
}

func delegated(client []byte, prefix string, relays []Relay) Binding {
	return Binding{
		Client: client, Prefix: netip.MustParsePrefix(prefix), Delegated: true,
		Preferred: time.Hour, Valid: 2 * time.Hour, Last: time.Now(), Relays: relays,
	}
}

// fixture returns: client A with two prefixes and an address on link 1 and a
// prefix on link 2; client B with a prefix on link 2, another that ran out
// and one it released; client C behind another relay.
func fixture() *List {
	l := NewList(segments, pools)
	a1, b2 := relayed(1, testRelayID, remoteA), relayed(2, testRelayID, remoteB)
	address := delegated(clientA, "2001:db8:1::a/128", a1)
	address.Delegated = false
	expired := delegated(clientB, "2001:db8:8000:300::/56", b2)
	expired.Last = time.Now().Add(-3 * time.Hour)
	released := delegated(clientB, "2001:db8:8000:301::/64", b2)
	released.Released = true
	l.Add(
		delegated(clientA, "2001:db8:8000::/56", a1),
		delegated(clientB, "2001:db8:8000:200::/62", b2),
		address,
		delegated(clientA, "2001:db8:8000:100::/60", a1),
		delegated(clientA, "2001:db8:8001::/48", relayed(2, testRelayID, remoteA)),
		expired, released,
		delegated(clientC, "2001:db8:8000:380::/57", relayed(1, otherID, nil)),
	)
	return l
}
