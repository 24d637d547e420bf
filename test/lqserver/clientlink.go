package lqserver

import (
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// maxLinks bounds the links in one answer, so that it fits into a datagram.
const maxLinks = 4000

// appendClientLink appends OPTION_LQ_CLIENT_LINK (RFC 5007, section 4.1.2.5).
func appendClientLink(b []byte, links []netip.Addr) []byte {
	start := len(b)
	b = openOption(b, dhcpv6.OptionLQClientLink)
	for _, a := range links {
		b = appendAddr(b, a)
	}
	closeOption(b, start)
	return b
}
