package gleaner

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// extension is what an extension header of type next and n octets looks like.
func extension(next byte, n int, more ...byte) []byte {
	b := make([]byte, n)
	b[0], b[1] = next, byte(n/8-1)
	copy(b[2:], more)
	return b
}

func ip4(fragment int, options, udp []byte, padding ...byte) []byte {
	header := cat([]byte{byte(0x45 + len(options)/4), 0}, be16(header4+len(options)+len(udp)), be16(0), be16(fragment),
		[]byte{64, protoUDP}, be16(0), []byte{192, 0, 2, 1}, []byte{192, 0, 2, 2}, options)
	return cat(header, udp, padding)
}

func TestParseDatagram(t *testing.T) {
	good := udp6("fe80::1", allRelays, 546, 547, []byte("hello"))
	udp := good[header6:]
	wrong := cat(good)
	wrong[header6+7]++
	unfilled := cat(good)
	unfilled[header6+6], unfilled[header6+7] = 0, 0
	short := cat(good)
	binary.BigEndian.PutUint16(short[header6+4:], uint16(len(udp)-1))
	jumbo := cat(good)
	binary.BigEndian.PutUint16(jumbo[4:], 0)
	plain4 := cat(be16(68), be16(67), be16(headerUDP+5), be16(0), []byte("hello"))
	// 192.0.2.1 + 192.0.2.2 + 17 + 13 + ports + 13 + "hello", complemented.
	checked4 := cat(be16(68), be16(67), be16(headerUDP+5), be16(0x3777), []byte("hello"))
	wrong4 := cat(be16(68), be16(67), be16(headerUDP+5), be16(0x3778), []byte("hello"))
	ext := func(next byte, payload ...[]byte) []byte { return ip6("fe80::1", allRelays, next, cat(payload...)) }

	tests := []struct {
		name   string
		packet []byte
		verify bool
		fate   string // "" if the payload is hello
	}{
		{"a valid checksum", good, true, ""},
		{"padding behind the IP packet", cat(good, []byte{0, 0, 0}), true, ""},
		{"a wrong checksum", wrong, true, "bad_checksum"},
		{"an unfinished checksum", wrong, false, ""},
		{"no checksum over IPv6", unfilled, true, "bad_checksum"},
		{"no checksum over IPv4", ip4(0, nil, plain4), true, ""},
		{"hop-by-hop options", ext(0, extension(17, 8), udp), false, ""},
		{"a chain of extension headers", ext(0, extension(43, 16), extension(60, 24), extension(44, 8), extension(17, 8), udp), true, ""},
		{"an atomic fragment behind options", ext(60, extension(44, 8), extension(17, 8, 0, 0, 1, 2, 3, 4), udp), true, ""},
		{"a first fragment", ext(44, extension(17, 8, 0, 1), udp), false, "fragments"},
		{"a later fragment", ext(44, extension(17, 8, 0, 8), udp), false, "fragments"},
		{"an extension header that is cut off", ext(0, extension(17, 16)[:9]), false, "malformed_ip"},
		{"an extension header of one octet", ext(0, []byte{17}), false, "malformed_ip"},
		{"TCP", ext(6, udp), false, "not_dhcp"},
		{"no next header", ext(59), false, "malformed_ip"},
		{"a jumbogram", jumbo, false, "malformed_ip"},
		{"an IPv6 length beyond the packet", good[:len(good)-1], false, "malformed_ip"},
		{"octets behind the datagram", short, false, "malformed_udp"},
		{"a UDP length beyond the packet", ext(17, be16(546), be16(547), be16(100), be16(0)), false, "malformed_udp"},
		{"half a UDP header", ext(17, udp[:7]), false, "malformed_udp"},
		{"an empty packet", nil, false, "malformed_ip"},
		{"half an IPv6 header", good[:39], false, "malformed_ip"},
		{"IP version 5", []byte{0x50}, false, "malformed_ip"},
		{"IPv4 with options", ip4(0, []byte{1, 1, 1, 0}, plain4), true, ""},
		{"IPv4 with padding", ip4(0, nil, plain4, 0, 0, 0), true, ""},
		{"an IPv4 fragment", ip4(0x2000, nil, plain4), true, "fragments"},
		{"a valid checksum over IPv4", ip4(0, nil, checked4), true, ""},
		{"a wrong checksum over IPv4", ip4(0, nil, wrong4), true, "bad_checksum"},
		{"TCP over IPv4", cat(ip4(0, nil, plain4)[:9], []byte{6}, ip4(0, nil, plain4)[10:]), true, "not_dhcp"},
		{"don't fragment", ip4(0x4000, nil, plain4), true, ""},
		{"an IPv4 length beyond the packet", ip4(0, nil, plain4)[:30], false, "malformed_ip"},
		{"half an IPv4 header", ip4(0, nil, plain4)[:19], false, "malformed_ip"},
		{"an IPv4 header of 16 octets", cat([]byte{0x44}, ip4(0, nil, plain4)[1:]), false, "malformed_ip"},
	}
	for _, tt := range tests {
		t.Run("ONDEMAND 6: "+tt.name, func(t *testing.T) {
			d, fate, ok := parseDatagram(tt.packet, tt.verify)
			switch {
			case ok != (tt.fate == ""):
				t.Errorf("ok is %v, fate %s; want fate %q", ok, counterNames[fate], tt.fate)
			case !ok:
				want(t, counterNames[fate], tt.fate)
			case string(d.payload) != "hello":
				t.Errorf("payload is %q", d.payload)
			}
		})
	}
}

func TestParseDatagramEnds(t *testing.T) {
	d, _, ok := parseDatagram(udp6("fe80::1", allRelays, 546, 547, nil), true)
	if !ok || d.src != netip.MustParseAddr("fe80::1") || d.dst != netip.MustParseAddr(allRelays) || d.srcPort != 546 || d.dstPort != 547 {
		t.Errorf("got %+v, %v", d, ok)
	}
}

func TestFatesBeforeDHCP(t *testing.T) {
	b := newBench(nil)
	plain4 := cat(be16(67), be16(68), be16(headerUDP), be16(0))
	b.walk(t, []step{
		{acc0, ip4(0, nil, plain4), "dhcpv4"},
		{acc0, ip4(0, nil, cat(be16(546), be16(547), be16(headerUDP), be16(0))), "not_dhcp"},
		{acc0, udp6(cpe1, allRelays, 546, 53, []byte("x")), "not_dhcp"},
		{binding0, ask1, "unknown_interface"},
	})
	fate, _ := b.seePacket(packet{data: ask1, index: int(acc0), truncated: true})
	want(t, fate, "truncated")
}

const binding0 = 99 // an index that no interface has
