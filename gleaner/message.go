package gleaner

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/binding"
)

// maxLeases bounds the leases, and the IAs, of one message. RFC 8987, G-7,
// wants at least 8 prefixes for a client; a message with more than this is not
// from a server that means us well, and nothing of it is believed.
const maxLeases = 128

var (
	errShort         = fmt.Errorf("too short: %w", errMalformed)
	errRepeated      = fmt.Errorf("an option that may be there once is there twice: %w", errMalformed)
	errDUID          = fmt.Errorf("a DUID that is not of 3 to 130 octets: %w", errMalformed)
	errTooManyLeases = fmt.Errorf("more than %d leases: %w", maxLeases, errMalformed)
)

// A lease is one IAADDR or IAPREFIX.
type lease struct {
	kind      binding.Kind
	iaid      uint32
	prefix    netip.Prefix    // canonical; invalid if it is none that can be leased (R37)
	preferred uint32          // seconds
	valid     uint32          // seconds
	status    iana.StatusCode // its own, or else that of its IA; Success if neither has one
}

// A message is a client's or a server's message (RFC 8415, section 8). It is
// used again and again; the slices but leases and statuses alias the packet.
type message struct {
	kind        dhcpv6.MessageType
	xid         uint32
	client      []byte // nil if absent
	server      []byte // nil if absent
	status      iana.StatusCode
	rapidCommit bool
	leases      []lease
	statuses    []iana.StatusCode // of IAs and leases, other than Success
	ias         int
}

// read decodes b. The errors wrap errMalformed; one is errTooManyLeases.
// IA_TA is not read: what is temporary is never routed.
func (m *message) read(b []byte) error {
	const header = 4
	*m = message{leases: m.leases[:0], statuses: m.statuses[:0]}
	if len(b) < header {
		return errShort
	}
	m.kind = dhcpv6.MessageType(b[0])
	m.xid = binary.BigEndian.Uint32(b) & 0x00ffffff
	for rest := options(b[header:]); len(rest) > 0; {
		code, value, next, err := rest.next()
		if err != nil {
			return err
		}
		if err := m.takeOption(code, value); err != nil {
			return err
		}
		rest = next
	}
	return nil
}

func (m *message) takeOption(code dhcpv6.OptionCode, value []byte) error {
	switch code {
	case dhcpv6.OptionClientID:
		return takeDUID(&m.client, value)
	case dhcpv6.OptionServerID:
		return takeDUID(&m.server, value)
	case dhcpv6.OptionRapidCommit:
		m.rapidCommit = true
	case dhcpv6.OptionStatusCode:
		return takeStatus(&m.status, value)
	case dhcpv6.OptionIANA:
		return m.takeIA(value, binding.Address, dhcpv6.OptionIAAddr)
	case dhcpv6.OptionIAPD:
		return m.takeIA(value, binding.DelegatedPrefix, dhcpv6.OptionIAPrefix)
	}
	return nil
}

// takeIA reads an IA_NA or IA_PD: IAID, T1, T2, options (RFC 8415, sections
// 21.4 and 21.21). Its status holds for those of its leases that have none.
func (m *message) takeIA(b []byte, kind binding.Kind, code dhcpv6.OptionCode) error {
	const header = 12
	if len(b) < header {
		return errShort
	}
	if m.ias++; m.ias > maxLeases {
		return errTooManyLeases
	}
	iaid, status, first := binary.BigEndian.Uint32(b), iana.StatusSuccess, len(m.leases)
	for rest := options(b[header:]); len(rest) > 0; {
		option, value, next, err := rest.next()
		switch {
		case err != nil:
			return err
		case option == dhcpv6.OptionStatusCode:
			err = takeStatus(&status, value)
		case option == code:
			err = m.takeLease(value, kind, iaid)
		}
		if err != nil {
			return err
		}
		rest = next
	}
	m.spread(status, first)
	return nil
}

// spread gives the status of an IA to its leases, from the one at first on.
func (m *message) spread(status iana.StatusCode, first int) {
	if status == iana.StatusSuccess {
		return
	}
	m.statuses = append(m.statuses, status)
	for i := range m.leases[first:] {
		if l := &m.leases[first+i]; l.status == iana.StatusSuccess {
			l.status = status
		}
	}
}

func (m *message) takeLease(b []byte, kind binding.Kind, iaid uint32) (err error) {
	if len(m.leases) == maxLeases {
		return errTooManyLeases
	}
	l := lease{kind: kind, iaid: iaid}
	var rest options
	if kind == binding.DelegatedPrefix {
		rest, err = l.readPrefix(b)
	} else {
		rest, err = l.readAddress(b)
	}
	if err == nil {
		err = l.readStatus(rest)
	}
	if l.status != iana.StatusSuccess {
		m.statuses = append(m.statuses, l.status)
	}
	m.leases = append(m.leases, l)
	return err
}

// readPrefix decodes IAPREFIX: preferred, valid, length, prefix, options (RFC
// 8415, section 21.22). Host bits are cleared (R37).
func (l *lease) readPrefix(b []byte) (options, error) {
	const fixed = 25
	if len(b) < fixed {
		return nil, errShort
	}
	l.preferred, l.valid = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if bits := int(b[8]); bits > 0 && bits <= 128 {
		l.prefix = netip.PrefixFrom(netip.AddrFrom16([16]byte(b[9:])), bits).Masked()
	}
	return b[fixed:], nil
}

// readAddress decodes IAADDR: address, preferred, valid, options (RFC 8415,
// section 21.6). The order is not that of IAPREFIX.
func (l *lease) readAddress(b []byte) (options, error) {
	const fixed = 24
	if len(b) < fixed {
		return nil, errShort
	}
	if a := netip.AddrFrom16([16]byte(b)); a.IsGlobalUnicast() {
		l.prefix = netip.PrefixFrom(a, 128)
	}
	l.preferred, l.valid = binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])
	return b[fixed:], nil
}

// readNotification replaces the leases by those of an assignment notification
// option, which stand there without an IA.
func (m *message) readNotification(b options) error {
	m.leases = m.leases[:0]
	for rest := b; len(rest) > 0; {
		code, value, next, err := rest.next()
		switch {
		case err != nil:
			return err
		case code == dhcpv6.OptionIAPrefix:
			err = m.takeLease(value, binding.DelegatedPrefix, 0)
		case code == dhcpv6.OptionIAAddr:
			err = m.takeLease(value, binding.Address, 0)
		}
		if err != nil {
			return err
		}
		rest = next
	}
	return nil
}

func (l *lease) readStatus(rest options) error {
	for len(rest) > 0 {
		code, value, next, err := rest.next()
		if err == nil && code == dhcpv6.OptionStatusCode {
			err = takeStatus(&l.status, value)
		}
		if err != nil {
			return err
		}
		rest = next
	}
	return nil
}

// takeDUID accepts one DUID (RFC 8415, section 11.1).
func takeDUID(to *[]byte, value []byte) error {
	switch {
	case *to != nil:
		return errRepeated
	case len(value) < 3 || len(value) > 130:
		return errDUID
	}
	*to = value
	return nil
}

// takeStatus reads a status code (RFC 8415, section 21.13); the server's words
// are for the client. Of several the first that is not Success stands.
func takeStatus(to *iana.StatusCode, value []byte) error {
	if len(value) < 2 {
		return errShort
	}
	if *to == iana.StatusSuccess {
		*to = iana.StatusCode(binary.BigEndian.Uint16(value))
	}
	return nil
}
