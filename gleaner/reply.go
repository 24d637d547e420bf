package gleaner

import (
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/binding"
)

// An answer is a server's message on its way to a client.
type answer struct {
	*arrival
	server *Server
	peer   netip.Addr      // where the client's message came from
	relays []binding.Relay // our layer first; empty if it is direct
	named  place           // what the relays resolve to; a zero port if they name none
	direct bool            // unicast from the server to the client
}

// takeRelayReply reads a server's message inside a Relay-reply. Leaving, it is
// of interest if a server on this box made it for a relay below us: then the
// layer is missing that our relay would have written.
func (m *matcher) takeRelayReply(a *arrival, batch *binding.Batch) counter {
	if fate, ok := m.expected(a); !ok {
		return fate
	}
	if err := m.nest.read(a.payload, dhcpv6.MessageTypeRelayReply); err != nil {
		return fateOf(err, malformedRelay)
	}
	if a.outgoing {
		relays := m.nest.virtual(a.on.link(), a.dst)
		return m.takeAnswer(&answer{arrival: a, peer: a.dst, relays: relays}, batch)
	}
	relays := m.nest.relays()
	return m.takeAnswer(&answer{arrival: a, peer: relays[0].Peer, relays: relays}, batch)
}

// takeDirectReply reads a server's message to the client port: unicast past
// all relays if it comes in, or from a server on this box if it leaves.
func (m *matcher) takeDirectReply(a *arrival, batch *binding.Batch) counter {
	if fate, ok := m.expected(a); !ok {
		return fate
	}
	m.nest.count, m.nest.outer, m.nest.inner = 0, nil, a.payload
	if !a.outgoing {
		return m.takeAnswer(&answer{arrival: a, peer: a.dst, direct: true}, batch)
	}
	relays := m.nest.virtual(a.on.link(), a.dst)
	return m.takeAnswer(&answer{arrival: a, peer: a.dst, relays: relays}, batch)
}

// expected reports whether a server's message came the way that such must come
// (L16): in by a core interface from the address of a configured server, or
// out by an access interface, which only this box can do.
func (m *matcher) expected(a *arrival) (fate counter, ok bool) {
	switch {
	case a.outgoing && (!m.opts.Outgoing || !a.on.Access || !m.ports.own[a.src]):
		return egress, false
	case a.outgoing:
		return 0, true
	case !a.on.Core:
		return wrongInterface, false
	case m.servers.at(a.src, a.on) == nil:
		return unknownServer, false
	}
	return 0, true
}

// takeAnswer looks at the message itself. Only Replies teach.
func (m *matcher) takeAnswer(w *answer, batch *binding.Batch) counter {
	switch dhcpv6.MessageType(m.nest.inner[0]) {
	case dhcpv6.MessageTypeReply:
	case dhcpv6.MessageTypeAdvertise:
		return advertises
	case dhcpv6.MessageTypeReconfigure:
		return reconfigures
	default:
		return otherMessage
	}
	if err := m.message.read(m.nest.inner); err != nil {
		return fateOf(err, malformedMessage)
	}
	if m.message.client == nil || m.message.server == nil {
		return malformedMessage
	}
	if fate, ok := m.identify(w); !ok {
		return fate
	}
	return m.match(w, batch)
}

// identify finds out which configured server speaks.
func (m *matcher) identify(w *answer) (fate counter, ok bool) {
	if w.outgoing {
		w.server = m.servers.local(m.message.server, m.ports.own)
		return egress, w.server != nil
	}
	w.server = m.servers.at(w.src, w.on)
	return wrongServerDUID, w.server.is(m.message.server)
}

// match looks for the transaction that a Reply answers.
func (m *matcher) match(w *answer, batch *binding.Batch) counter {
	x := exchange{peer: w.peer.As16(), client: m.message.client, xid: m.message.xid, direct: w.direct}
	if !w.direct {
		w.named = m.resolve(w.relays)
	}
	t, found := m.transactions.find(x, w.port(), w.server.Number, w.at)
	switch found {
	case matchFound:
		return m.judge(w, t, batch)
	case matchRepeated:
		return duplicates
	}
	if found != matchOvertaken {
		m.doubt(w)
	} else {
		m.ask(m.message.client, t.port, w.at)
	}
	return [...]counter{matchNone: unmatched, matchOther: wrongPort, matchOvertaken: overtaken}[found]
}

// port returns the port that a Reply names, 0 if none. What leaves by a port
// names that.
func (w *answer) port() binding.Interface {
	if w.outgoing {
		return w.on.Number
	}
	return w.named.port
}

// doubt asks about the client of a Reply whose request we did not see: it
// passed before we started, or was lost (DESIGN.md, rule 6). A Reply that could
// not have taught anything is no reason to ask, nor is one to a relay that
// talks to the server past us, which anybody below us can pretend to be.
func (m *matcher) doubt(w *answer) {
	port := w.port()
	if !w.direct && !w.outgoing && !m.ports.own[w.dst] {
		return
	}
	if w.direct {
		port = m.connectedTo(w.peer)
	}
	if len(m.message.leases) > 0 {
		m.ask(m.message.client, port, w.at)
	}
}

// connectedTo returns the access interface on whose link an address is, 0 if
// there is none. It is for rare cases only.
func (m *matcher) connectedTo(a netip.Addr) binding.Interface {
	for _, i := range m.ports.byIndex {
		if i.Access && i.connected(a) {
			return i.Number
		}
	}
	return 0
}
