package gleaner

import (
	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/binding"
)

// takeClient reads a message from a client, through any number of relays below
// us, and opens a transaction for it.
func (m *matcher) takeClient(a *arrival, batch *binding.Batch) counter {
	switch {
	case a.outgoing:
		return egress
	case !a.on.Access:
		return misplaced
	}
	if err := m.nest.read(a.payload, dhcpv6.MessageTypeRelayForward); err != nil {
		return fateOf(err, malformedRelay)
	}
	if !fromClient(dhcpv6.MessageType(m.nest.inner[0])) {
		return otherMessage
	}
	// A server of this box is not past us.
	direct := m.servers.at(a.dst, a.on) != nil && !m.ports.own[a.dst]
	if direct && m.nest.count > 0 {
		return transit
	}
	if err := m.message.read(m.nest.inner); err != nil {
		return fateOf(err, malformedMessage)
	}
	return m.open(a, direct, batch)
}

// open opens a transaction for m.message. A client must name itself in all
// messages about leases (RFC 8415, section 16).
func (m *matcher) open(a *arrival, direct bool, batch *binding.Batch) counter {
	msg := &m.message
	switch {
	case msg.client == nil, a.src.IsUnspecified(), a.src.IsMulticast():
		return malformedMessage
	case msg.kind == dhcpv6.MessageTypeSolicit && !msg.rapidCommit:
		return solicits
	}
	x := exchange{peer: a.src.As16(), client: msg.client, xid: msg.xid, direct: direct}
	m.transactions.open(x, a.on.Number, msg.kind, a.at)
	if msg.kind == dhcpv6.MessageTypeRelease {
		return m.release(a, direct, batch)
	}
	return opened
}
