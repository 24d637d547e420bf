//go:build linux

package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// DhcpdServerDUID is what every dhcpd in a lab calls itself.
var DhcpdServerDUID = []byte{0, 3, 0, 1, 2, 0, 0, 0x5e, 0, 1}

// dhcpdConfig returns dhcpd's configuration file. The server is at an address
// on a /64 without clients.
func dhcpdConfig(s Service, server netip.Addr) string {
	var b strings.Builder
	b.WriteString(`authoritative;
allow leasequery;
lease-id-format hex;
server-duid LL ethernet 02:00:00:5e:00:01;
option dhcp6.preference 255; # no client waits for other servers
`)
	for _, l := range []struct {
		statement string
		time.Duration
	}{
		{"default-lease-time", s.Valid},
		{"preferred-lifetime", s.Preferred},
		{"option dhcp-renewal-time", s.Renew},
		{"option dhcp-rebinding-time", s.Rebind},
	} {
		if l.Duration > 0 {
			fmt.Fprintf(&b, "%s %.0f;\n", l.statement, l.Seconds())
		}
	}
	if s.RapidCommit {
		b.WriteString("option dhcp6.rapid-commit;\n")
	}
	fmt.Fprintf(&b, "subnet6 %s {}\n", netip.PrefixFrom(server, 64).Masked())
	for _, l := range s.Links {
		b.WriteString(l.dhcpd())
	}
	return b.String()
}

// dhcpd returns dhcpd's statement for the link.
func (l ServedLink) dhcpd() string {
	s := fmt.Sprintf("subnet6 %s {\n", l.Subnet)
	if l.Addresses.IsValid() {
		s += fmt.Sprintf("\trange6 %s;\n", l.Addresses)
	}
	for _, p := range l.Blocks {
		s += fmt.Sprintf("\tprefix6 %s %s /%d;\n", p.Prefix.Addr(), p.last(), p.Length)
	}
	return s + "}\n"
}

// last returns the address of the last prefix in the block. Prefixes are not
// longer than 64.
func (p KeaPDPool) last() netip.Addr {
	b := p.Prefix.Addr().As16()
	n := binary.BigEndian.Uint64(b[:])
	n |= 1<<(64-p.Prefix.Bits()) - 1<<(64-p.Length)
	binary.BigEndian.PutUint64(b[:], n)
	return netip.AddrFrom16(b)
}
