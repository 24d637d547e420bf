package lqserver

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// TestKeaReplies has the server give the answers that Kea gave over UDP, octet
// by octet.
func TestKeaReplies(t *testing.T) {
	now := time.Now()
	ago := func(seconds int) time.Time { return now.Add(-time.Duration(seconds) * time.Second) }
	relay := func(peer string, interfaceID, remoteID []byte, relayID byte) []Relay {
		return []Relay{{
			Link: netip.MustParseAddr("2001:db8:1::1"), Peer: netip.MustParseAddr(peer),
			InterfaceID: interfaceID, RemoteID: remoteID, RelayID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, relayID},
		}}
	}
	lease := func(client []byte, prefix string, preferred time.Duration, elapsed int, relays []Relay) Binding {
		p := netip.MustParsePrefix(prefix)
		return Binding{
			Client: client, Prefix: p, Delegated: p.Bits() < 128, Preferred: preferred, Valid: 24 * time.Hour,
			Last: ago(elapsed), Relays: relays,
		}
	}
	single := []byte{0, 3, 0, 1, 2, 0xd1, 0, 0, 0, 0}
	multi := []byte{0, 3, 0, 1, 0x0e, 0, 0, 0, 0, 1}
	singleRelay := relay("fe80::1:0", []byte("ge-\x00\x00\x00\x00\x00"), []byte("\x00\x00\x09\xbf\xd1\x00\x00\x00\x00"), 1)
	multiRelay := relay("fe80::e1", nil, []byte("\x00\x00\x09\xbf\xe1"), 0xee)
	addressOf := func(a string) Match { return Match{Type: ByAddress, Address: netip.MustParseAddr(a)} }
	tests := []struct {
		name     string
		bindings []Binding
		match    Match
	}{
		{"address-prefix", []Binding{lease(single, "2001:db8:8000::/56", 12*time.Hour, 62, singleRelay)}, addressOf("2001:db8:8000:1:2::5")},
		{"clientid-multi", []Binding{
			lease(multi, "2001:db8:1:0:e::1/128", time.Hour, 102, multiRelay),
			lease(multi, "2001:db8:4000::/48", time.Hour, 102, multiRelay),
			lease(multi, "2001:db8:5000::/60", time.Hour, 102, multiRelay),
		}, Match{Type: ByClientID, Client: multi}},
		{"clientid-twolinks", []Binding{
			lease(multi, "2001:db8:4000::/48", time.Hour, 102, relayed(1, nil, nil)), lease(multi, "2001:db8:6000::/48", time.Hour, 102, relayed(2, nil, nil)),
		}, Match{Type: ByClientID, Client: multi}},
		{"inactive", []Binding{lease(multi, "2001:db8:8000:300::/56", time.Hour, 90_000, nil)}, addressOf("2001:db8:8000:300::1")},
		{"none", nil, addressOf("2001:db8:8000:ffff::1")},
	}
	for _, tt := range tests {
		t.Run("S17, S18, S20: "+tt.name, func(t *testing.T) {
			want, err := os.ReadFile("testdata/kea/v6-udp-" + tt.name + ".reply.bin")
			must(t, err)
			l := NewList(segments, pools)
			l.Set(tt.bindings...)
			s, err := New(Options{Packets: newPacketPipe(), DUID: testDUID, Manner: Kea()}, l)
			must(t, err)
			q := &query{ID: [3]byte(want[1:]), Requestor: testRequestor, Link: netip.IPv6Unspecified(), Match: tt.match}
			if got := newResponder(s).answer(q, &Faults{}, true, now); !bytes.Equal(got, want) {
				t.Errorf("got  % x\nwant % x", got, want)
			}
		})
	}
}

// TestDhcpd asks what ISC dhcpd was asked, and wants its answers, but for the
// texts of errors.
func TestDhcpd(t *testing.T) {
	client, server := []byte{0, 3, 0, 1, 2, 0, 0, 0, 1, 1}, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0x50, 1}
	relays := []Relay{{Link: netip.MustParseAddr("2001:db8:100:1::1"), Peer: netip.MustParseAddr("fe80::c1"), RelayID: testRelayID}}
	const transacted = 0x6b007c0e
	l := NewList([]netip.Prefix{netip.MustParsePrefix("2001:db8:100:1::/64")}, []netip.Prefix{netip.MustParsePrefix("3fff:0:100::/40")})
	for _, p := range []string{"2001:db8:100:1::161f/128", "3fff:0:1ff::/48"} {
		prefix := netip.MustParsePrefix(p)
		l.Set(Binding{
			Client: client, Prefix: prefix, Delegated: prefix.Bits() < 128, Preferred: 1800 * time.Second, Valid: 3600 * time.Second,
			Last: time.Unix(transacted, 0), Relays: relays,
		})
	}
	s, err := New(Options{Packets: newPacketPipe(), DUID: server, Manner: Dhcpd()}, l)
	must(t, err)
	now := time.Unix(transacted+33, 0)
	requestorID := []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xb0}
	answer := func(t *testing.T, a ask) []byte {
		t.Helper()
		q, err := parseQuery(a.message(), server)
		must(t, err)
		q.ID, q.Requestor = [3]byte{0xa1, 0xb2, 0xc3}, requestorID
		return newResponder(s).answer(q, &Faults{}, true, now)
	}
	tests := []struct {
		name string
		ask  ask
	}{
		{"by-address-na", byAddress("2001:db8:100:1::161f")},
		{"by-address-na-oro-relaydata", byAddress("2001:db8:100:1::161f").onLink("2001:db8:ffff::1").wanting(dhcpv6.OptionLQRelayData)},
		{"by-address-in-pd", byAddress("3fff:0:1ff::1")},
		{"by-address-free", byAddress("2001:db8:100:1::1620")},
		{"by-clientid", byClientID(client)},
		{"qtype3", byRelayID(testRelayID)},
	}
	for _, tt := range tests {
		t.Run("as captured: "+tt.name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata/dhcpd", tt.name+".bin"))
			must(t, err)
			if got := answer(t, tt.ask); !bytes.Equal(wordless(t, got), wordless(t, want)) {
				t.Errorf("got  % x\nwant % x", got, want)
			}
		})
	}
	t.Run("the captured queries are read as these", func(t *testing.T) {
		for _, name := range []string{"by-address-na", "by-address-in-pd", "by-clientid"} {
			query, err := os.ReadFile("testdata/dhcpd/" + name + ".query.bin")
			must(t, err)
			q, err := parseQuery(query, server)
			must(t, err)
			want, err := os.ReadFile("testdata/dhcpd/" + name + ".bin")
			must(t, err)
			if got := newResponder(s).answer(q, &Faults{}, true, now); !bytes.Equal(wordless(t, got), wordless(t, want)) {
				t.Errorf("%s: got  % x\nwant % x", name, got, want)
			}
		}
	})
	t.Run("a query with a SERVERID is dropped, be it the right one", func(t *testing.T) {
		a := byAddress("2001:db8:100:1::161f")
		a.outer = dhcpv6.Options{generic(dhcpv6.OptionServerID, testDUID)}
		over := serveUDP(t, l, func(o *Options) { o.Manner = Dhcpd(); o.Manner.ClientPort = false })
		if got := exchange(t, over, a.message()); len(got) > 0 {
			t.Errorf("answered % x", got)
		}
	})
	t.Run("S5: by-address without IAADDR", func(t *testing.T) {
		m, err := dhcpv6.MessageFromBytes(answer(t, ask{typ: ByAddress}))
		must(t, err)
		if status(m) != iana.StatusMalformedQuery {
			t.Errorf("status %s", status(m))
		}
	})
}

// wordless takes the text out of a message's status.
func wordless(t *testing.T, b []byte) []byte {
	t.Helper()
	m, err := dhcpv6.MessageFromBytes(b)
	must(t, err)
	st := m.Options.Status()
	if st == nil {
		return b
	}
	i := strings.LastIndex(string(b), st.StatusMessage)
	binary.BigEndian.PutUint16(b[i-4:], 2)
	return append(b[:i:i], b[i+len(st.StatusMessage):]...)
}
