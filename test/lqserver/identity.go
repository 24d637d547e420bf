package lqserver

import "github.com/insomniacslk/dhcp/dhcpv6"

// identity encodes SERVERID and the requestor's CLIENTID (S4).
func (s *Server) identity(q *query, f *Faults) []byte {
	b := appendIdentity(nil, dhcpv6.OptionClientID, q.Requestor, f.ClientID)
	return appendIdentity(b, dhcpv6.OptionServerID, s.options.DUID, f.ServerID)
}

func appendIdentity(b []byte, code dhcpv6.OptionCode, duid []byte, damage Damage) []byte {
	if damage == Missing {
		return b
	}
	b = appendOption(b, code, duid)
	if damage == Wrong {
		b[len(b)-1] ^= 0xff
	}
	return b
}
