package routes

import (
	"bytes"
	"net/netip"

	"leaseroute/binding"
)

// Resolve finds the interface and the next hop of a client from the relay
// agents that its message passed, outermost first (DESIGN.md 4). The next hop
// is invalid on a point-to-point interface, which needs none. Without an
// answer the interface is 0: nothing is guessed. It does not allocate.
func (l *Links) Resolve(relays []binding.Relay) (binding.Interface, netip.Addr) {
	s := l.now.Load()
	for i := range relays {
		owner, ours := l.ours(s, &relays[i])
		if !ours {
			continue
		}
		n := l.portOf(s, &relays[i], owner)
		if n == 0 {
			return 0, netip.Addr{}
		}
		if s.port(n).pointToPoint {
			return n, netip.Addr{}
		}
		hop := nextHop(relays[i:])
		if !gateway(hop) {
			return 0, netip.Addr{}
		}
		return n, hop
	}
	return 0, netip.Addr{}
}

// ResolveAddress returns the access interface whose connected prefix holds a:
// the longest one, and 0 if there is none or several interfaces have it.
func (l *Links) ResolveAddress(a netip.Addr) binding.Interface {
	return l.now.Load().holds(a)
}

// ours reports whether a relay layer is our own: it carries our relay-id, or a
// link-address of ours. With the latter it returns the port that owns it, 0 if
// that is not one.
func (l *Links) ours(s *snapshot, r *binding.Relay) (binding.Interface, bool) {
	if r.Link.IsValid() && !r.Link.IsUnspecified() {
		if owner, ok := s.owner[r.Link]; ok {
			return owner, true
		}
	}
	return 0, r.RelayID != nil && bytes.Equal(r.RelayID, l.options.RelayID)
}

// portOf returns the access interface that our own layer names: by the
// operator's mapping, by its link-address, or by an Interface-Id that is an
// interface's name. dhcrelay's four octets are none of these (PEERS.md 7). A
// layer with link-address "::" heard a relay with a global address (RFC 8415,
// section 19.1.2), which is on the link whose prefix holds it.
func (l *Links) portOf(s *snapshot, r *binding.Relay, owner binding.Interface) binding.Interface {
	if r.InterfaceID != nil {
		if n := l.mapped[string(r.InterfaceID)]; n != 0 {
			return n
		}
	}
	if owner != 0 {
		return owner
	}
	if n := s.ports[string(r.InterfaceID)]; n != 0 {
		return n
	}
	if r.Link.IsUnspecified() {
		return s.holds(r.Peer)
	}
	return 0
}

// nextHop goes inwards from our own layer, the first one, while the next
// layer's link-address is "::": an LDRA or access node, which does not route.
func nextHop(relays []binding.Relay) netip.Addr {
	hop := relays[0].Peer
	for _, r := range relays[1:] {
		if !r.Link.IsUnspecified() {
			break
		}
		hop = r.Peer
	}
	return hop
}

// gateway reports whether a can be a next hop: the kernel refuses the others.
func gateway(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback()
}

// holds is ResolveAddress for one snapshot.
func (s *snapshot) holds(a netip.Addr) binding.Interface {
	for _, bits := range s.lengths {
		p, err := a.Prefix(bits)
		if err != nil { // another family, or no address at all
			continue
		}
		if n, ok := s.onLink[p]; ok {
			return n
		}
	}
	return 0
}
