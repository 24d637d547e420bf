package gleaner

import (
	"bytes"
	"net/netip"

	"leaseroute/binding"
)

// A Server is one configured DHCP server.
type Server struct {
	Number  binding.Server
	Address netip.Addr // with a zone, the interface's name, if link-local
	DUID    []byte     // refuse any other SERVERID; nil: any

	// SequenceOption and NotifyOption are the codes of the server sequence
	// number and of the assignment notification option, which were never
	// assigned any; 0: not used (R83).
	SequenceOption, NotifyOption uint16
}

// is reports whether a SERVERID may be this server's.
func (s *Server) is(duid []byte) bool { return len(s.DUID) == 0 || bytes.Equal(s.DUID, duid) }

// servers finds configured servers by the address that a message came from.
type servers map[netip.Addr]*Server

// newServers keeps the slice. Of two servers with one address the first counts.
func newServers(list []Server) servers {
	m := make(servers, len(list))
	for i := range list {
		if s := &list[i]; m[s.Address] == nil {
			m[s.Address] = s
		}
	}
	return m
}

// at returns the server with an address, seen on an interface; nil if none.
func (m servers) at(a netip.Addr, on *Interface) *Server {
	if a.IsLinkLocalUnicast() {
		a = a.WithZone(on.Name)
	}
	return m[a]
}

// local returns the server on this box that a message of ours, leaving towards
// a client, may come from: by its SERVERID, as it speaks to clients on the link
// from a link-local address. The relay's copies name servers elsewhere.
func (m servers) local(duid []byte, own map[netip.Addr]bool) *Server {
	var found *Server
	for a, s := range m {
		here := a.IsLoopback() || own[a.WithZone("")]
		if here && s.is(duid) && (found == nil || s.Number < found.Number) {
			found = s
		}
	}
	return found
}
