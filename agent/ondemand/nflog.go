package ondemand

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/mdlayher/netlink"
)

// snapLength is how much of a packet is reported: the addresses of an IPv6
// packet are in its first 40 octets.
const snapLength = 64

// errMalformed reports a message that isn't as linux/netfilter/nfnetlink_log.h
// says.
var errMalformed = errors.New("malformed NFLOG message")

// Attributes of a packet's report, and the sizes of those that have one.
const (
	attrInterface = 4  // NFULA_IFINDEX_INDEV
	attrSender    = 8  // NFULA_HWADDR: length, two octets of nothing, eight of address
	attrPayload   = 9  // NFULA_PAYLOAD, from the IP header on
	attrTag       = 10 // NFULA_PREFIX, with a zero at its end
	attrSequence  = 12 // NFULA_SEQ

	headerSize = 4 // nfgenmsg: family, version, group
	senderSize = 12
	maxSender  = 8
)

// tagSource and tagDest are in each report: which end of the packet is unknown.
const (
	tagSource = "leaseroute src"
	tagDest   = "leaseroute dst"
)

// A logged packet is what the kernel reports of one that met a log rule.
type logged struct {
	index    int // of the interface that it came in by; 0 is none
	sender   net.HardwareAddr
	tag      string
	payload  []byte // the beginning, from the IP header on
	sequence uint32 // of the report, counted by the kernel
	numbered bool   // there is such a number
}

// parseLogged decodes the payload of a NFULNL_MSG_PACKET; the result does not
// alias b. What is missing stays zero and what is unknown is skipped. The
// error wraps errMalformed.
func parseLogged(b []byte) (logged, error) {
	if len(b) < headerSize {
		return logged{}, fmt.Errorf("%d octets, want %d or more: %w", len(b), headerSize, errMalformed)
	}
	attributes, err := netlink.NewAttributeDecoder(b[headerSize:])
	if err != nil {
		return logged{}, fmt.Errorf("%w: %w", errMalformed, err)
	}
	attributes.ByteOrder = binary.BigEndian
	var l logged
	for attributes.Next() {
		switch attributes.Type() {
		case attrInterface:
			l.index = int(int32(attributes.Uint32()))
		case attrSender:
			attributes.Do(l.parseSender)
		case attrPayload:
			l.payload = slices.Clone(attributes.Bytes())
		case attrTag:
			l.tag, _, _ = strings.Cut(string(attributes.Bytes()), "\x00")
		case attrSequence:
			l.sequence, l.numbered = attributes.Uint32(), true
		}
	}
	if err := attributes.Err(); err != nil {
		return logged{}, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return l, nil
}

func (l *logged) parseSender(b []byte) error {
	if len(b) < senderSize {
		return fmt.Errorf("sender of %d octets", len(b))
	}
	length := int(binary.BigEndian.Uint16(b))
	if length > maxSender {
		return fmt.Errorf("address of %d octets", length)
	}
	l.sender = net.HardwareAddr(slices.Clone(b[4 : 4+length]))
	return nil
}

// Lengths and versions of IP headers, and where their addresses are.
const (
	header4, source4, dest4 = 20, 12, 16
	header6, source6, dest6 = 40, 8, 24
)

// unknown returns what the report is about. It reports false for what the
// rules can't have sent: a tag or a packet that is none of theirs.
func (l *logged) unknown() (Unknown, bool) {
	u := Unknown{Source: l.tag == tagSource, Interface: l.index, MAC: l.sender}
	if !u.Source && l.tag != tagDest || len(l.payload) == 0 {
		return Unknown{}, false
	}
	var header, at, length int
	switch l.payload[0] >> 4 {
	case 4:
		header, at, length = header4, dest4, 4
		if u.Source {
			at = source4
		}
	case 6:
		header, at, length = header6, dest6, 16
		if u.Source {
			at = source6
		}
	}
	if header == 0 || len(l.payload) < header {
		return Unknown{}, false
	}
	u.Address, _ = netip.AddrFromSlice(l.payload[at : at+length])
	return u, true
}
