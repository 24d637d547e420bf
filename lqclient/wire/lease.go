package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// A Lease is one IAADDR or IAPREFIX of a client data. They stand there bare,
// without IA_NA or IA_PD (RFC 5007, section 4.1.2.2), so there is no IAID;
// leases in an IA are not looked for.
type Lease struct {
	Prefix    netip.Prefix // canonical, 1 to 128 bits; all 128 for an address
	Delegated bool         // IAPREFIX; else the client's own address
	HostBits  bool         // behind the length there were bits, which were cleared
	Preferred uint32       // seconds, as sent: may be more than Valid (R37)
	Valid     uint32       // seconds; 0: no longer held; 0xffffffff: for ever
}

// NextLease returns the first lease at or behind the offset at, and the offset
// to go on from. The first offset is 0; ok is false when there are no more.
// With ok, an error (it wraps ErrMalformed) is about this lease only: it is
// too short, an option in it is cut off, or it is a prefix of length 0 or
// above 128 (R37).
func (c *ClientData) NextLease(at int) (l Lease, next int, ok bool, err error) {
	for {
		code, value, next, ok := option(c.options, at)
		switch {
		case !ok:
			return l, at, false, nil
		case code == optIAPrefix:
			err = l.parseIAPrefix(value)
			return l, next, true, err
		case code == optIAAddr:
			err = l.parseIAAddr(value)
			return l, next, true, err
		}
		at = next
	}
}

// parseIAPrefix decodes IAPREFIX: preferred, valid, length, prefix, options
// (RFC 8415, section 21.22). Host bits are cleared.
func (l *Lease) parseIAPrefix(b []byte) error {
	const fixed = 25
	if len(b) < fixed {
		return fmt.Errorf("IA prefix: %d octets, want %d or more: %w", len(b), fixed, ErrMalformed)
	}
	bits := int(b[8])
	if bits == 0 || bits > 128 {
		return fmt.Errorf("IA prefix: length %d, want 1 to 128: %w", bits, ErrMalformed)
	}
	if err := checkOptions(b[fixed:]); err != nil {
		return fmt.Errorf("IA prefix: %w", err)
	}
	l.Delegated = true
	l.Preferred, l.Valid = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	sent := netip.PrefixFrom(netip.AddrFrom16([addressLength]byte(b[9:fixed])), bits)
	l.Prefix = sent.Masked()
	l.HostBits = l.Prefix != sent
	return nil
}

// parseIAAddr decodes IAADDR: address, preferred, valid, options (RFC 8415,
// section 21.6). The order is not that of IAPREFIX.
func (l *Lease) parseIAAddr(b []byte) error {
	const fixed = 24
	if len(b) < fixed {
		return fmt.Errorf("IA address: %d octets, want %d or more: %w", len(b), fixed, ErrMalformed)
	}
	if err := checkOptions(b[fixed:]); err != nil {
		return fmt.Errorf("IA address: %w", err)
	}
	l.Preferred, l.Valid = binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])
	l.Prefix = netip.PrefixFrom(netip.AddrFrom16([addressLength]byte(b)), 128)
	return nil
}
