package gleaner

import (
	"errors"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

func TestNestErrors(t *testing.T) {
	inner := dhcp(request, 1, clientID(duid1))
	layer := func(options ...[]byte) []byte { return relayed(forward, 0, link0, cpe1, options...) }
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"as many relays as there may be", nested(forward, maxRelays, inner), nil},
		{"one more", nested(forward, maxRelays+1, inner), errTooManyRelays},
		{"no relay", inner, nil},
		{"a header that is cut off", layer()[:33], errRelayHeader},
		{"no message inside", layer(opt(dhcpv6.OptionInterfaceID, []byte("x"))), errNoRelayed},
		{"an empty message inside", layer(relayMsg(nil)), errNoRelayed},
		{"two messages inside", layer(relayMsg(inner), relayMsg(inner)), errTwiceRelayed},
		{"an option that is cut off", cat(layer(relayMsg(inner)), []byte{0, 18, 0}), errCutOff},
		{"an option longer than the message", cat(layer(relayMsg(inner)), []byte{0, 18, 0, 1}), errCutOff},
	}
	for _, tt := range tests {
		t.Run("C17 "+tt.name, func(t *testing.T) {
			var n nest
			err := n.read(tt.data, forward)
			if !errors.Is(err, tt.want) || err != nil && !errors.Is(err, errMalformed) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestNestOptions(t *testing.T) {
	var n nest
	data := relayed(forward, 0, link0, cpe1,
		opt(dhcpv6.OptionInterfaceID, []byte("port")), opt(dhcpv6.OptionInterfaceID, []byte("second")),
		opt(dhcpv6.OptionRelayID, []byte("relay")), opt(dhcpv6.OptionRemoteID, []byte("remote")), relayMsg([]byte{1}))
	must(t, n.read(data, forward))
	if r := n.relays()[0]; r.Link.String() != link0 || r.Peer.String() != cpe1 ||
		string(r.InterfaceID) != "port" || string(r.RelayID) != "relay" || string(r.RemoteID) != "remote" {
		t.Errorf("2.6: got %+v", r)
	}
}

func TestMessageErrors(t *testing.T) {
	tests := []struct {
		name    string
		options []byte
		want    error
	}{
		{"two client DUIDs", cat(clientID(duid1), clientID(duid1)), errRepeated},
		{"two server DUIDs", cat(serverID(duid1), serverID(duid2)), errRepeated},
		{"L7, C20 a DUID of 2 octets", clientID("\x00\x03"), errDUID},
		{"L7, C20 a DUID of 131 octets", serverID(string(make([]byte, 131))), errDUID},
		{"L7, C20 a DUID of 130 octets", serverID(string(make([]byte, 130))), nil},
		{"an IA_PD of 11 octets", opt(dhcpv6.OptionIAPD, make([]byte, 11)), errShort},
		{"an IA_NA of 11 octets", opt(dhcpv6.OptionIANA, make([]byte, 11)), errShort},
		{"an IAPREFIX of 24 octets", iaPD(1, opt(dhcpv6.OptionIAPrefix, make([]byte, 24))), errShort},
		{"an IAADDR of 23 octets", iaNA(1, opt(dhcpv6.OptionIAAddr, make([]byte, 23))), errShort},
		{"a status of 1 octet", opt(dhcpv6.OptionStatusCode, []byte{0}), errShort},
		{"a status of 1 octet in an IA", iaPD(1, opt(dhcpv6.OptionStatusCode, []byte{0})), errShort},
		{"a status of 1 octet in a prefix", iaPD(1, prefix("2001:db8::/50", 1, 2, opt(dhcpv6.OptionStatusCode, []byte{0}))), errShort},
		{"an option that is cut off in an IA", iaPD(1, []byte{0, 26, 0}), errCutOff},
		{"an option that is cut off in a prefix", iaPD(1, prefix("2001:db8::/50", 1, 2, []byte{0, 13, 0, 9})), errCutOff},
		{"C18 unknown options at every level", cat(opt(4711, []byte("x")), iaPD(1, opt(4711), prefix("2001:db8::/50", 1, 2, opt(4711)))), nil},
		{"as many leases as there may be", iaPD(1, repeat(maxLeases, prefix("2001:db8::/50", 1, 2))), nil},
		{"one more", iaPD(1, repeat(maxLeases+1, prefix("2001:db8::/50", 1, 2))), errTooManyLeases},
	}
	for _, tt := range tests {
		t.Run("C17 "+tt.name, func(t *testing.T) {
			var m message
			err := m.read(dhcp(reply, 1, tt.options))
			if !errors.Is(err, tt.want) || err != nil && !errors.Is(err, errMalformed) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// The first error status stands, at whichever level there are two.
func TestMessageStatuses(t *testing.T) {
	var m message
	must(t, m.read(dhcp(reply, 0xabcdef, status(0), status(iana.StatusUnspecFail), status(iana.StatusNoBinding),
		iaPD(7, prefix("2001:db8::/50", 1, 2, status(iana.StatusNotOnLink)), status(iana.StatusNoPrefixAvail)))))
	if m.kind != reply || m.xid != 0xabcdef || m.status != iana.StatusUnspecFail || len(m.leases) != 1 ||
		m.leases[0].status != iana.StatusNotOnLink || len(m.statuses) != 2 {
		t.Errorf("L15: got %+v", m)
	}
}

// A message that is used again keeps nothing of the one before.
func TestMessageIsUsedAgain(t *testing.T) {
	var m message
	must(t, m.read(dhcp(reply, 1, clientID(duid1), serverID(dhcpd), rapid, lease1, status(3))))
	must(t, m.read(dhcp(reply, 2)))
	if m.client != nil || m.server != nil || m.rapidCommit || m.status != 0 || len(m.leases)+len(m.statuses)+m.ias != 0 {
		t.Errorf("got %+v", m)
	}
}
