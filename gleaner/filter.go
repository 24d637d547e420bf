package gleaner

import (
	"fmt"
	"math"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Where a jump of the filter may lead, beside the labels of its lines.
const (
	pass = "pass"
	drop = "drop"
)

// A line of the filter is an instruction, or a jump to a label: without a
// condition if do is bpf.Jump, else if the test is true.
type line struct {
	label string
	do    bpf.Instruction
	test  bpf.JumpTest
	val   uint32
	to    string // of a jump
}

// filterLines is the filter for IP packets as SOCK_DGRAM delivers them: the
// data starts at the IP header. It passes DHCP and what may be DHCP behind
// extension headers; classic BPF has no loops, so that it looks at one of
// these and leaves more to parseDatagram.
//
// Of fragments only the first can be told to be DHCP, and it alone is passed,
// to be counted: other people's fragments never reach us. Packets for another
// host are what a sniffer beside us asked for. A frame with a VLAN tag is seen
// again on the VLAN's own interface, save with VLAN 0, which is a priority.
var filterLines = []line{
	{do: bpf.LoadExtension{Num: bpf.ExtType}},
	{test: bpf.JumpEqual, val: unix.PACKET_OTHERHOST, to: drop},
	{do: bpf.LoadExtension{Num: bpf.ExtVLANTagPresent}},
	{test: bpf.JumpEqual, val: 0, to: "untagged"},
	{do: bpf.LoadExtension{Num: bpf.ExtVLANTag}},
	{test: bpf.JumpBitsSet, val: 0x0fff, to: drop},
	{label: "untagged", do: bpf.LoadExtension{Num: bpf.ExtProto}},
	{test: bpf.JumpEqual, val: unix.ETH_P_IPV6, to: "v6"},
	{test: bpf.JumpNotEqual, val: unix.ETH_P_IP, to: drop},

	{do: bpf.LoadAbsolute{Off: 9, Size: 1}},
	{test: bpf.JumpNotEqual, val: protoUDP, to: drop},
	{do: bpf.LoadAbsolute{Off: 6, Size: 2}},
	{test: bpf.JumpBitsSet, val: 0x1fff, to: drop}, // a later fragment
	{do: bpf.LoadMemShift{Off: 0}},                 // X: length of the IPv4 header
	{do: bpf.LoadIndirect{Off: 2, Size: 2}},
	{test: bpf.JumpEqual, val: portServer4, to: pass},
	{test: bpf.JumpEqual, val: portClient4, to: pass},
	{do: bpf.Jump{}, to: drop},

	{label: "v6", do: bpf.LoadConstant{Dst: bpf.RegX, Val: header6}},
	{do: bpf.LoadAbsolute{Off: 6, Size: 1}},
	{test: bpf.JumpEqual, val: protoUDP, to: "ports"},
	{test: bpf.JumpEqual, val: protoHopByHop, to: "extended"},
	{test: bpf.JumpEqual, val: protoRouting, to: "extended"},
	{test: bpf.JumpEqual, val: protoDestination, to: "extended"},
	{test: bpf.JumpNotEqual, val: protoFragment, to: drop},

	{do: bpf.LoadAbsolute{Off: header6 + 2, Size: 2}},
	{test: bpf.JumpBitsSet, val: 0xfff8, to: drop}, // a later fragment
	{do: bpf.LoadConstant{Dst: bpf.RegX, Val: header6 + 8}},
	{do: bpf.LoadAbsolute{Off: header6, Size: 1}},
	{test: bpf.JumpEqual, val: protoUDP, to: "ports"},
	{test: bpf.JumpEqual, val: protoDestination, to: pass},
	{do: bpf.Jump{}, to: drop},

	{label: "extended", do: bpf.LoadAbsolute{Off: header6 + 1, Size: 1}},
	{do: bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 1}},
	{do: bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 3}},
	{do: bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: header6}},
	{do: bpf.TAX{}}, // X: both headers
	{do: bpf.LoadAbsolute{Off: header6, Size: 1}},
	{test: bpf.JumpEqual, val: protoUDP, to: "ports"},
	{test: bpf.JumpEqual, val: protoHopByHop, to: pass},
	{test: bpf.JumpEqual, val: protoRouting, to: pass},
	{test: bpf.JumpEqual, val: protoFragment, to: pass},
	{test: bpf.JumpEqual, val: protoDestination, to: pass},
	{do: bpf.Jump{}, to: drop},

	{label: "ports", do: bpf.LoadIndirect{Off: 2, Size: 2}},
	{test: bpf.JumpEqual, val: portServer, to: pass},
	{test: bpf.JumpEqual, val: portClient, to: pass},
	{label: drop, do: bpf.RetConstant{Val: 0}},
	{label: pass, do: bpf.RetConstant{Val: 1 << 18}},
}

// filter resolves the labels.
func filter() ([]bpf.Instruction, error) {
	at := make(map[string]int)
	for i, l := range filterLines {
		if l.label != "" {
			at[l.label] = i
		}
	}
	program := make([]bpf.Instruction, len(filterLines))
	for i, l := range filterLines {
		skip := at[l.to] - i - 1
		switch {
		case l.to == "":
			program[i] = l.do
		case skip < 0 || skip > math.MaxUint8:
			return nil, fmt.Errorf("line %d of the filter: can't jump to %q", i, l.to)
		case l.do != nil:
			program[i] = bpf.Jump{Skip: uint32(skip)}
		default:
			program[i] = bpf.JumpIf{Cond: l.test, Val: l.val, SkipTrue: uint8(skip)}
		}
	}
	return program, nil
}
