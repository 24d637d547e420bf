package wire

import (
	"fmt"
	"net/netip"
)

const addressLength = 16

// ClientLinks appends the addresses of OPTION_LQ_CLIENT_LINK to dst: one for
// each link on which the client has leases (RFC 5007, section 4.1.2.5). They
// are to be asked for as they are: Kea sends subnet prefixes. The error wraps
// ErrMalformed: the length is not a multiple of 16 (C11).
func (m *Message) ClientLinks(dst []netip.Addr) ([]netip.Addr, error) {
	links, _, _ := find(m.options, 0, optClientLink)
	if len(links)%addressLength != 0 {
		return dst, fmt.Errorf("client link of %d octets, not a multiple of %d: %w", len(links), addressLength, ErrMalformed)
	}
	for at := 0; at < len(links); at += addressLength {
		dst = append(dst, netip.AddrFrom16([addressLength]byte(links[at:])))
	}
	return dst, nil
}
