package gleaner

import (
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// run runs the filter. The virtual machine knows no packet metadata, so that
// these are put in as constants.
func runFilter(t *testing.T, data []byte, meta map[bpf.Extension]uint32) bool {
	t.Helper()
	program, err := filter()
	if err != nil {
		t.Fatal(err)
	}
	for i, ins := range program {
		if l, ok := ins.(bpf.LoadExtension); ok {
			program[i] = bpf.LoadConstant{Dst: bpf.RegA, Val: meta[l.Num]}
		}
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

func TestFilter(t *testing.T) {
	const v4, v6 = unix.ETH_P_IP, unix.ETH_P_IPV6
	udp := cat(be16(546), be16(547), be16(headerUDP), be16(0))
	reply := cat(be16(547), be16(546), be16(headerUDP), be16(0))
	other := cat(be16(547), be16(53), be16(headerUDP), be16(0))
	dhcp4 := cat(be16(68), be16(67), be16(headerUDP), be16(0))
	v6with := func(next byte, payload ...[]byte) []byte { return ip6(cpe1, allRelays, next, cat(payload...)) }
	meta := func(proto uint32, more ...uint32) map[bpf.Extension]uint32 {
		m := map[bpf.Extension]uint32{bpf.ExtProto: proto}
		if len(more) > 0 {
			m[bpf.ExtType] = more[0]
		}
		if len(more) > 1 {
			m[bpf.ExtVLANTagPresent], m[bpf.ExtVLANTag] = 1, more[1]
		}
		return m
	}
	tests := []struct {
		name   string
		packet []byte
		meta   map[bpf.Extension]uint32
		want   bool
	}{
		{"DHCPv6 to a server", v6with(17, udp), meta(v6), true},
		{"DHCPv6 to a client", v6with(17, reply), meta(v6), true},
		{"other UDP", v6with(17, other), meta(v6), false},
		{"TCP", v6with(6, udp), meta(v6), false},
		{"ICMPv6 behind hop-by-hop options", v6with(0, extension(58, 8), udp), meta(v6), false},
		{"DHCPv6 behind hop-by-hop options", v6with(0, extension(17, 16), udp), meta(v6), true},
		{"other UDP behind a routing header", v6with(43, extension(17, 24), other), meta(v6), false},
		{"DHCPv6 behind destination options", v6with(60, extension(17, 8), reply), meta(v6), true},
		{"two extension headers are left to the parser", v6with(0, extension(60, 8), extension(6, 8)), meta(v6), true},
		{"an extension header and a fragment", v6with(60, extension(44, 8), extension(17, 8)), meta(v6), true},
		{"DHCPv6, first fragment", v6with(44, extension(17, 8, 0, 1), udp), meta(v6), true},
		{"other UDP, first fragment", v6with(44, extension(17, 8, 0, 1), other), meta(v6), false},
		{"a later fragment", v6with(44, extension(17, 8, 0, 9), udp), meta(v6), false},
		{"a fragment with options", v6with(44, extension(60, 8, 0, 1), extension(17, 8)), meta(v6), true},
		{"a fragment of TCP", v6with(44, extension(6, 8, 0, 1), udp), meta(v6), false},
		{"an IPv6 header alone", v6with(17), meta(v6), false},
		{"an extension header that is cut off", v6with(0, []byte{17}), meta(v6), false},
		{"DHCPv4 to a server", ip4(0, nil, dhcp4), meta(v4), true},
		{"DHCPv4 behind IPv4 options", ip4(0, []byte{1, 1, 1, 0}, cat(be16(67), be16(68), be16(8), be16(0))), meta(v4), true},
		{"DHCPv4, first fragment", ip4(0x2000, nil, dhcp4), meta(v4), true},
		{"DHCPv4, later fragment", ip4(0x2001, nil, dhcp4), meta(v4), false},
		{"DHCPv6 ports over IPv4", ip4(0, nil, udp), meta(v4), false},
		{"ARP", v6with(17, udp), meta(unix.ETH_P_ARP), false},
		{"PPPoE", v6with(17, udp), meta(unix.ETH_P_PPP_SES), false},
		{"outgoing", v6with(17, udp), meta(v6, unix.PACKET_OUTGOING), true},
		{"for another host", v6with(17, udp), meta(v6, unix.PACKET_OTHERHOST), false},
		{"VLAN 100, seen on the parent", v6with(17, udp), meta(v6, unix.PACKET_HOST, 0xe064), false},
		{"VLAN 0, a priority", v6with(17, udp), meta(v6, unix.PACKET_HOST, 0xe000), true},
	}
	for _, tt := range tests {
		t.Run("ONDEMAND 6: "+tt.name, func(t *testing.T) {
			if got := runFilter(t, tt.packet, tt.meta); got != tt.want {
				t.Errorf("passes: %v, want %v", got, tt.want)
			}
		})
	}
}

// What the parser takes for DHCPv6 must have passed the filter.
func FuzzFilter(f *testing.F) {
	for _, r := range seeds(f) {
		f.Add(r)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, _, ok := parseDatagram(b, false)
		dhcp := ok && d.src.Is6() && (d.dstPort == portClient || d.dstPort == portServer)
		meta := map[bpf.Extension]uint32{bpf.ExtProto: unix.ETH_P_IPV6}
		if dhcp && !runFilter(t, b, meta) {
			t.Errorf("the filter drops a message from %s port %d to %s port %d", d.src, d.srcPort, d.dst, d.dstPort)
		}
	})
}
