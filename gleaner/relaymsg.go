package gleaner

import (
	"fmt"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/binding"
)

// maxRelays bounds the relay layers around a message: hop-counts 0 to
// HOP_COUNT_LIMIT (RFC 8415, sections 7.6 and 19.1.2).
const maxRelays = 9

// relayHeader is the fixed part of a relay message: type, hop-count,
// link-address, peer-address (RFC 8415, section 9).
const relayHeader = 34

var (
	errRelayHeader   = fmt.Errorf("relay message is cut off: %w", errMalformed)
	errNoRelayed     = fmt.Errorf("relay message without a message inside: %w", errMalformed)
	errTwiceRelayed  = fmt.Errorf("relay message with two messages inside: %w", errMalformed)
	errTooManyRelays = fmt.Errorf("more than %d relays: %w", maxRelays, errMalformed)
)

// A nest is a message with the relay layers around it. It is used again and
// again; everything in it aliases the packet that it was read from.
type nest struct {
	// layers has the relay nearest to the server first. Its first element is
	// room for a layer that no relay has written yet: see virtual.
	layers [1 + maxRelays]binding.Relay
	count  int     // layers that were read, from layers[1] on
	outer  options // the options of the outermost layer
	inner  []byte  // the message inside, not empty
}

// read goes inwards through Relay-forwards or Relay-replies (kind says which)
// until a message of another type. The errors wrap errMalformed; one of them
// is errTooManyRelays.
func (n *nest) read(b []byte, kind dhcpv6.MessageType) error {
	n.count, n.outer, n.inner = 0, nil, b
	for len(n.inner) > 0 && n.inner[0] == byte(kind) {
		if n.count == maxRelays {
			return errTooManyRelays
		}
		n.count++
		if err := n.readLayer(n.inner, &n.layers[n.count]); err != nil {
			return err
		}
	}
	if len(n.inner) == 0 {
		return errNoRelayed
	}
	return nil
}

// readLayer reads one relay message and makes the message in it n.inner.
func (n *nest) readLayer(b []byte, to *binding.Relay) error {
	if len(b) < relayHeader {
		return errRelayHeader
	}
	*to = binding.Relay{
		Link: netip.AddrFrom16([16]byte(b[2:])),
		Peer: netip.AddrFrom16([16]byte(b[18:])),
	}
	if n.count == 1 {
		n.outer = b[relayHeader:]
	}
	n.inner = nil
	for rest := options(b[relayHeader:]); len(rest) > 0; {
		code, value, next, err := rest.next()
		if err != nil {
			return err
		}
		if err := n.takeOption(to, code, value); err != nil {
			return err
		}
		rest = next
	}
	if n.inner == nil {
		return errNoRelayed
	}
	return nil
}

// takeOption notes the message inside and what names the client's port; of
// several names of one kind the first.
func (n *nest) takeOption(to *binding.Relay, code dhcpv6.OptionCode, value []byte) error {
	switch {
	case code == dhcpv6.OptionRelayMsg && n.inner != nil:
		return errTwiceRelayed
	case code == dhcpv6.OptionRelayMsg:
		n.inner = value
	case code == dhcpv6.OptionInterfaceID && to.InterfaceID == nil:
		to.InterfaceID = value
	case code == dhcpv6.OptionRelayID && to.RelayID == nil:
		to.RelayID = value
	case code == dhcpv6.OptionRemoteID && to.RemoteID == nil:
		to.RemoteID = value
	}
	return nil
}

// relays returns the layers as they were read. They are valid until the next
// read.
func (n *nest) relays() []binding.Relay { return n.layers[1 : 1+n.count] }

// virtual puts the layer in front that our own relay will add, or would have
// added, and returns it with the others.
func (n *nest) virtual(link, peer netip.Addr) []binding.Relay {
	n.layers[0] = binding.Relay{Link: link, Peer: peer}
	return n.layers[:1+n.count]
}
