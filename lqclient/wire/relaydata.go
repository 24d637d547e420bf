package wire

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/binding"
)

// MaxRelays bounds the relay agents that a message can have passed: hop-counts
// 0 to HOP_COUNT_LIMIT (RFC 8415, sections 7.6 and 19.1.2).
const MaxRelays = 9

// ParseRelayData decodes the value of an OPTION_LQ_RELAY_DATA (RFC 5007,
// section 4.1.2.4). peer is where the server received the message from. The
// relay agents are appended to dst, the one nearest to the server first; their
// slices alias value. The innermost Relay-forward carries no client message.
//
// An error wraps ErrMalformed and takes nothing back: what could be read is
// there, and it never says anything against the leases (PEERS.md 2, fact 7).
// A RELAY_MSG that is longer than the layer around it is followed up to the
// end of value: from four relays on Kea counts the outer ones too short.
func ParseRelayData(value []byte, dst []binding.Relay) (peer netip.Addr, relays []binding.Relay, err error) {
	if len(value) < addressLength {
		return netip.Addr{}, dst, fmt.Errorf("relay data of %d octets, want %d or more: %w", len(value), addressLength, ErrMalformed)
	}
	peer = netip.AddrFrom16([addressLength]byte(value))
	relays, err = parseRelays(value[addressLength:], dst)
	return peer, relays, err
}

// relayHeader is the fixed part of a relay message: type, hop-count,
// link-address, peer-address (RFC 8415, section 9).
const relayHeader = 2 + 2*addressLength

// A span is the part of a nest of relay messages from one offset to another.
type span struct{ from, to int }

// parseRelays goes inwards through a nest of Relay-forwards. A message of
// another type ends it: the client's own, which the server should have removed.
func parseRelays(nest []byte, dst []binding.Relay) ([]binding.Relay, error) {
	var first error
	at := span{0, len(nest)}
	for depth := 0; at.from < at.to; depth++ {
		forward := nest[at.from] == byte(dhcpv6.MessageTypeRelayForward)
		switch {
		case depth == 0 && !forward:
			return dst, fmt.Errorf("relay data: %s, want a relay message: %w", MessageType(nest[0]), ErrMalformed)
		case !forward:
			return dst, first
		case depth == MaxRelays:
			return dst, cmp.Or(first, fmt.Errorf("relay data: more than %d relays: %w", MaxRelays, ErrMalformed))
		case at.to-at.from < relayHeader:
			return dst, cmp.Or(first, fmt.Errorf("relay message of %d octets, want %d or more: %w", at.to-at.from, relayHeader, ErrMalformed))
		}
		dst = append(dst, binding.Relay{})
		inner, err := parseRelay(nest, at, &dst[len(dst)-1])
		if first == nil {
			first = err
		}
		at = inner
	}
	return dst, first
}

// parseRelay reads one relay message, header and options, and returns where
// the message inside it is: an empty span if there is none.
func parseRelay(nest []byte, at span, to *binding.Relay) (inner span, err error) {
	message := nest[at.from:at.to]
	to.Link = netip.AddrFrom16([addressLength]byte(message[2:]))
	to.Peer = netip.AddrFrom16([addressLength]byte(message[2+addressLength:]))
	offset := relayHeader
	for {
		code, value, next, ok := option(message, offset)
		switch {
		case !ok:
			if inner == (span{}) {
				inner = overlongRelayMsg(nest, at, offset)
			}
			if err == nil {
				err = cutOff(message, offset)
			}
			return inner, err
		case code == optRelayMsg && inner == (span{}):
			inner = span{at.from + offset + optionHeader, at.from + next}
		default:
			if fault := takeRelayOption(to, code, value); err == nil {
				err = fault
			}
		}
		offset = next
	}
}

// overlongRelayMsg looks whether the option that is cut off in the message at
// is its RELAY_MSG, and returns how much of that the nest holds.
func overlongRelayMsg(nest []byte, at span, offset int) span {
	from := at.from + offset + optionHeader
	if from > at.to || binary.BigEndian.Uint16(nest[at.from+offset:]) != optRelayMsg {
		return span{}
	}
	size := int(binary.BigEndian.Uint16(nest[from-2:]))
	return span{from, min(from+size, len(nest))}
}

// takeRelayOption notes what names the client's port; of several the first.
func takeRelayOption(to *binding.Relay, code uint16, value []byte) error {
	switch {
	case code == optInterfaceID && to.InterfaceID == nil:
		to.InterfaceID = value
	case code == optRelayID && to.RelayID == nil:
		return takeDUID(&to.RelayID, "relay-id", value)
	case code == optRemoteID && to.RemoteID == nil:
		if err := checkRemoteID(value); err != nil {
			return fmt.Errorf("%w: %w", err, ErrMalformed)
		}
		to.RemoteID = value
	}
	return nil
}
