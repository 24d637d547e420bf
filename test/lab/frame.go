//go:build linux

package lab

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

const (
	headerEthernet = 14
	headerIPv4     = 20
	headerIPv6     = 40
	headerUDP      = 8
)

// UDPFrame builds an Ethernet frame with a UDP datagram that any host takes,
// whoever is said to have sent it. Both addresses are of one family.
func UDPFrame(to, from net.HardwareAddr, source, dest netip.AddrPort, payload []byte) []byte {
	ip, kind := ipv6Packet, uint16(unix.ETH_P_IPV6)
	if source.Addr().Is4() {
		ip, kind = ipv4Packet, unix.ETH_P_IP
	}
	frame := binary.BigEndian.AppendUint16(slices.Concat(to, from), kind)
	return append(frame, ip(source.Addr(), dest.Addr(), udpDatagram(source, dest, payload))...)
}

func ipv6Packet(source, dest netip.Addr, datagram []byte) []byte {
	b := []byte{0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(len(datagram)))
	b = append(b, unix.IPPROTO_UDP, 64)
	return slices.Concat(b, source.AsSlice(), dest.AsSlice(), datagram)
}

func ipv4Packet(source, dest netip.Addr, datagram []byte) []byte {
	b := []byte{0x45, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(headerIPv4+len(datagram)))
	b = append(b, 0, 0, 0, 0, 64, unix.IPPROTO_UDP, 0, 0)
	b = slices.Concat(b, source.AsSlice(), dest.AsSlice())
	binary.BigEndian.PutUint16(b[10:], ^onesSum(0, b))
	return append(b, datagram...)
}

// udpDatagram builds a datagram with its checksum, which covers a
// pseudo-header too (RFC 768; RFC 8200, section 8.1).
func udpDatagram(source, dest netip.AddrPort, payload []byte) []byte {
	length := uint16(headerUDP + len(payload))
	b := binary.BigEndian.AppendUint16(nil, source.Port())
	b = binary.BigEndian.AppendUint16(b, dest.Port())
	b = binary.BigEndian.AppendUint16(b, length)
	b = append(append(b, 0, 0), payload...)
	sum := onesSum(unix.IPPROTO_UDP+uint32(length), slices.Concat(source.Addr().AsSlice(), dest.Addr().AsSlice(), b))
	if sum == 0xffff {
		sum = 0 // it is sent as 0xffff: 0 would mean that there is none
	}
	binary.BigEndian.PutUint16(b[6:], ^sum)
	return b
}

// onesSum adds octets, two by two, to a ones' complement sum (RFC 1071).
func onesSum(sum uint32, b []byte) uint16 {
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
