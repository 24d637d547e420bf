package lqserver

import (
	"encoding/binary"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// appendClientData appends OPTION_CLIENT_DATA (RFC 5007, section 4.1.2.2)
// for leases of one client on one link, at least one of them (S9). Times are
// reckoned at now, when the message is made (S12).
func appendClientData(b []byte, leases []Binding, now time.Time, s *style) []byte {
	start := len(b)
	b = openOption(b, dhcpv6.OptionClientData)
	newest := newestOf(leases)
	if !s.lackClientID {
		b = appendOption(b, dhcpv6.OptionClientID, newest.Client)
	}
	if !s.lackLease {
		for i := range leases {
			b = appendLease(b, &leases[i], now, s)
		}
	}
	if !s.lackCLT {
		b = appendUint32Option(b, dhcpv6.OptionCLTTime, s.clt(newest, now))
	}
	if !s.relaysOutside {
		b = appendRelayDataOf(b, newest, s)
	}
	if s.truncated {
		b = append(b, 0, byte(dhcpv6.OptionCLTTime), 0, 4, 0)
	}
	closeOption(b, start)
	return b
}

// newestOf returns the lease of the client's last transaction. CLT_TIME and
// the relay data are of client and link, not of one lease.
func newestOf(leases []Binding) *Binding {
	newest := &leases[0]
	for i := range leases[1:] {
		if leases[1+i].Last.After(newest.Last) {
			newest = &leases[1+i]
		}
	}
	return newest
}

// appendLease appends a bare IAPREFIX or IAADDR (RFC 8415, sections 21.22
// and 21.6). Mind that the lifetimes stand before the prefix, but after the
// address.
func appendLease(b []byte, l *Binding, now time.Time, s *style) []byte {
	preferred, valid := s.lifetimes(l, now)
	if !l.Delegated {
		b = append(b, 0, byte(dhcpv6.OptionIAAddr), 0, 24)
		b = appendAddr(b, l.Prefix.Addr())
		b = binary.BigEndian.AppendUint32(b, preferred)
		return binary.BigEndian.AppendUint32(b, valid)
	}
	b = append(b, 0, byte(dhcpv6.OptionIAPrefix), 0, 25)
	b = binary.BigEndian.AppendUint32(b, preferred)
	b = binary.BigEndian.AppendUint32(b, valid)
	bits := uint8(l.Prefix.Bits())
	if s.prefixLength != nil {
		bits = *s.prefixLength
	}
	b = appendAddr(append(b, bits), l.Prefix.Addr())
	if s.hostBits {
		b[len(b)-1] |= 1
	}
	return b
}
