package lqserver

import (
	"encoding/binary"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// appendRelayDataOf appends the relay data of a lease, if it is wanted and known
// (S11).
func appendRelayDataOf(b []byte, lease *Binding, s *style) []byte {
	if !s.relayData || len(lease.Relays) == 0 {
		return b
	}
	return appendRelayData(b, lease, s.malformedRelays)
}

// appendRelayData appends OPTION_LQ_RELAY_DATA (RFC 5007, section 4.1.2.4):
// the Relay-forward headers as the server received them, the innermost one
// without OPTION_RELAY_MSG, since the client's own message is left out.
func appendRelayData(b []byte, lease *Binding, malformed bool) []byte {
	start := len(b)
	b = openOption(b, dhcpv6.OptionLQRelayData)
	from := lease.From
	if !from.IsValid() {
		from = lease.Relays[0].Peer
	}
	b = appendAddr(b, from)
	b = appendRelays(b, lease.Relays)
	if malformed {
		b = appendOverlongRelayMessage(b)
	}
	closeOption(b, start)
	return b
}

// appendRelays nests the relays' headers. They are not empty.
func appendRelays(b []byte, relays []Relay) []byte {
	r := &relays[0]
	b = append(b, byte(dhcpv6.MessageTypeRelayForward), byte(len(relays)-1))
	b = appendAddr(b, r.Link)
	b = appendAddr(b, r.Peer)
	if r.InterfaceID != nil {
		b = appendOption(b, dhcpv6.OptionInterfaceID, r.InterfaceID)
	}
	if r.RemoteID != nil {
		b = appendOption(b, dhcpv6.OptionRemoteID, r.RemoteID)
	}
	if r.RelayID != nil {
		b = appendOption(b, dhcpv6.OptionRelayID, r.RelayID)
	}
	if len(relays) == 1 {
		return b
	}
	start := len(b)
	b = openOption(b, dhcpv6.OptionRelayMsg)
	b = appendRelays(b, relays[1:])
	closeOption(b, start)
	return b
}

// appendOverlongRelayMessage appends a nested message that claims four octets
// more than there are, which is what Kea sends from four relays on.
func appendOverlongRelayMessage(b []byte) []byte {
	const fixed = 34
	b = openOption(b, dhcpv6.OptionRelayMsg)
	binary.BigEndian.PutUint16(b[len(b)-2:], fixed+4)
	b = append(b, byte(dhcpv6.MessageTypeRelayForward), 0)
	return append(b, make([]byte, fixed-2)...)
}
