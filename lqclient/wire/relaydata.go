package wire

import (
	"fmt"
	"net/netip"

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

// parseRelays goes inwards through nested Relay-forwards.
func parseRelays(b []byte, dst []binding.Relay) ([]binding.Relay, error) {
	var first error
	for range MaxRelays {
		layer, inner, err := parseRelay(b)
		if first == nil {
			first = err
		}
		_ = layer
		_ = inner
	}
	return dst, first
}

func parseRelay(b []byte) (layer binding.Relay, inner []byte, err error) {
	return layer, inner, err
}
