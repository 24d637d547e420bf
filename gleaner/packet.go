package gleaner

import (
	"encoding/binary"
	"net/netip"
)

// IP protocol numbers (for IPv6: next header values).
const (
	protoHopByHop    = 0
	protoUDP         = 17
	protoRouting     = 43
	protoFragment    = 44
	protoDestination = 60
)

// DHCP ports (RFC 8415, section 7.2; RFC 2131, section 4.1).
const (
	portClient  = 546
	portServer  = 547
	portServer4 = 67
	portClient4 = 68
)

const (
	header4   = 20 // IPv4, without options
	header6   = 40 // IPv6, without extension headers
	headerUDP = 8
)

// A datagram is one UDP datagram. The payload aliases the packet.
type datagram struct {
	src, dst         netip.Addr
	srcPort, dstPort uint16
	payload          []byte
}

// parseDatagram takes the IP and UDP headers off a packet. IPv6 extension
// headers are walked. verify tells that the UDP checksum is finished, so that
// it can be checked: that of a packet which never left this machine is not.
// ok is false if the packet is dropped, and fate says why.
func parseDatagram(b []byte, verify bool) (d datagram, fate counter, ok bool) {
	if len(b) == 0 {
		return d, malformedIP, false
	}
	var udp []byte
	switch b[0] >> 4 {
	case 4:
		udp, fate, ok = d.takeIPv4(b)
	case 6:
		udp, fate, ok = d.takeIPv6(b)
	default:
		fate = malformedIP
	}
	if !ok {
		return d, fate, false
	}
	fate, ok = d.takeUDP(udp, verify)
	return d, fate, ok
}

// takeIPv4 returns what is behind the IPv4 header (RFC 791, section 3.1).
func (d *datagram) takeIPv4(b []byte) (udp []byte, fate counter, ok bool) {
	if len(b) < header4 {
		return nil, malformedIP, false
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	const moreOrOffset = 0x3fff
	switch {
	case header < header4 || total < header || total > len(b):
		return nil, malformedIP, false
	case binary.BigEndian.Uint16(b[6:])&moreOrOffset != 0:
		return nil, fragments, false
	case b[9] != protoUDP:
		return nil, notDHCP, false
	}
	d.src = netip.AddrFrom4([4]byte(b[12:]))
	d.dst = netip.AddrFrom4([4]byte(b[16:]))
	return b[header:total], 0, true
}

// takeIPv6 returns what is behind the IPv6 header and its extension headers
// (RFC 8200, sections 3 and 4). A jumbogram has a length of 0 and is malformed.
func (d *datagram) takeIPv6(b []byte) (udp []byte, fate counter, ok bool) {
	if len(b) < header6 {
		return nil, malformedIP, false
	}
	size := int(binary.BigEndian.Uint16(b[4:]))
	if size == 0 || header6+size > len(b) {
		return nil, malformedIP, false
	}
	d.src = netip.AddrFrom16([16]byte(b[8:]))
	d.dst = netip.AddrFrom16([16]byte(b[24:]))
	return skipExtensions(b[6], b[header6:header6+size])
}

// skipExtensions goes from header to header until UDP. Each step takes at
// least 8 octets off, so it ends.
func skipExtensions(next byte, b []byte) (udp []byte, fate counter, ok bool) {
	for next != protoUDP {
		size := 8
		switch next {
		case protoHopByHop, protoRouting, protoDestination:
			if len(b) >= 2 {
				size += int(b[1]) * 8
			}
		case protoFragment:
			// An atomic fragment is whole (RFC 6946).
			const moreOrOffset = 0xfff9
			if len(b) >= size && binary.BigEndian.Uint16(b[2:])&moreOrOffset != 0 {
				return nil, fragments, false
			}
		default:
			return nil, notDHCP, false
		}
		if len(b) < size {
			return nil, malformedIP, false
		}
		next, b = b[0], b[size:]
	}
	return b, 0, true
}

// takeUDP reads the UDP header (RFC 768). The datagram must fill the packet:
// segments that the kernel merged into one packet carry the first one's length
// or none that means anything.
func (d *datagram) takeUDP(b []byte, verify bool) (fate counter, ok bool) {
	if len(b) < headerUDP || int(binary.BigEndian.Uint16(b[4:])) != len(b) {
		return malformedUDP, false
	}
	d.srcPort = binary.BigEndian.Uint16(b)
	d.dstPort = binary.BigEndian.Uint16(b[2:])
	d.payload = b[headerUDP:]
	if verify && !d.checksumValid(b) {
		return badChecksum, false
	}
	return 0, true
}

// checksumValid checks the UDP checksum. Without one a datagram is valid over
// IPv4 only (RFC 768; RFC 8200, section 8.1).
func (d *datagram) checksumValid(udp []byte) bool {
	if udp[6] == 0 && udp[7] == 0 {
		return d.src.Is4()
	}
	sum := uint64(len(udp)) + protoUDP + addressSum(d.src) + addressSum(d.dst)
	for ; len(udp) >= 2; udp = udp[2:] {
		sum += uint64(binary.BigEndian.Uint16(udp))
	}
	if len(udp) == 1 {
		sum += uint64(udp[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum == 0xffff
}

// addressSum adds up an address as part of the pseudo-header. The twelve
// octets that As16 puts before an IPv4 address add what is taken off here.
func addressSum(a netip.Addr) (sum uint64) {
	b := a.As16()
	for i := 0; i < len(b); i += 2 {
		sum += uint64(binary.BigEndian.Uint16(b[i:]))
	}
	if a.Is4() {
		sum -= 0xffff
	}
	return sum
}
