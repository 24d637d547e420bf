package gleaner

import (
	"net/netip"

	"leaseroute/binding"
)

// A place is where a client is: what a route to it needs.
type place struct {
	port binding.Interface // 0: the message does not tell
	hop  netip.Addr        // invalid on a point-to-point interface, or if the message does not tell
}

// placeOf returns where the client behind a port is whose message passed the
// relays, the first of them ours (DESIGN.md 4). named is what these resolve to.
// The port is known from where the message was seen, so that it does no harm if
// our layer names none, or has a link-address that several interfaces share.
func placeOf(on *Interface, named place, relays []binding.Relay) place {
	switch {
	case named.port == on.Number:
		return named
	case on.PointToPoint:
		return place{port: on.Number}
	}
	return place{on.Number, nextHop(relays)}
}

// resolve asks the resolver that all rooms share, so that a lease has the same
// next hop whichever way it was learnt.
func (m *matcher) resolve(relays []binding.Relay) place {
	if m.opts.Resolve == nil {
		return place{}
	}
	port, hop := m.opts.Resolve(relays)
	return place{port, hop}
}

// nextHop goes inwards from our layer while the next layer's link-address is
// "::", which is how access nodes relay (RFC 6221): they are no routers.
func nextHop(relays []binding.Relay) netip.Addr {
	for len(relays) > 1 && relays[1].Link.IsUnspecified() {
		relays = relays[1:]
	}
	return relays[0].Peer
}

// directPlace is where a client is that talks to the server past us, by
// unicast: its message tells the link, but not how the client is reached
// behind which a prefix lies. So only its own address is placed there, which
// in turn is a next hop for its prefixes if nothing better is known.
func directPlace(on *Interface, client netip.Addr, kind binding.Kind) place {
	if kind == binding.Address && on.connected(client) {
		return place{port: on.Number}
	}
	return place{}
}
