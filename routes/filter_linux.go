package routes

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// maxFilterBlocks keeps the program within the kernel's limit of 4096
// instructions; with more allowed blocks all foreign routes are heard.
const maxFilterBlocks = 200

// Where things stand in a notification of a route: the header, struct rtmsg,
// and RTA_DST, which the kernel puts first.
const (
	offsetType     = 4
	offsetPort     = 12
	offsetFamily   = unix.NLMSG_HDRLEN
	offsetProtocol = unix.NLMSG_HDRLEN + 5
	offsetDstType  = unix.NLMSG_HDRLEN + unix.SizeofRtMsg + 2
	offsetDst      = offsetDstType + 2
)

var (
	accept = bpf.RetConstant{Val: 1 << 18}
	drop   = bpf.RetConstant{Val: 0}
)

// monitorFilter makes the socket filter of the monitor. It drops what our
// installer did, and of IPv6 routes those that are neither ours, nor the
// kernel's, nor inside an allowed block: a routing daemon that takes in a full
// table must not make us lose what matters. What it does not understand it
// lets pass.
func monitorFilter(installer uint32, o Options) []bpf.RawInstruction {
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetPort, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: asLoaded32(installer), SkipTrue: 1},
		drop,
		bpf.LoadAbsolute{Off: offsetType, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: asLoaded16(unix.RTM_NEWROUTE), SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: asLoaded16(unix.RTM_DELROUTE), SkipTrue: 1},
		accept,
		bpf.LoadAbsolute{Off: offsetFamily, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_INET6, SkipTrue: 1},
		accept,
		bpf.LoadAbsolute{Off: offsetProtocol, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(o.Protocol), SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.RTPROT_KERNEL, SkipTrue: 1},
		accept,
		bpf.LoadAbsolute{Off: offsetDstType, Size: 2}, // without one: the default route, or no attribute of ours to judge by
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: asLoaded16(unix.RTA_DST), SkipTrue: 1},
		accept,
	}
	raw, err := bpf.Assemble(slices.Concat(program, blockFilter(o.Allowed)))
	if err != nil {
		panic(err) // a bug of ours: nothing in it comes from outside
	}
	return raw
}

// blockFilter lets destinations inside the blocks pass and drops all others.
func blockFilter(blocks []netip.Prefix) []bpf.Instruction {
	if len(blocks) > maxFilterBlocks {
		return []bpf.Instruction{accept}
	}
	var program []bpf.Instruction
	for _, b := range blocks {
		if b.Addr().Is6() {
			program = append(program, oneBlock(b)...)
		}
	}
	return append(program, drop)
}

// oneBlock accepts a destination inside b, and falls through for any other.
func oneBlock(b netip.Prefix) []bpf.Instruction {
	const perWord = 3
	address := b.Addr().As16()
	words := (b.Bits() + 31) / 32
	var program []bpf.Instruction
	for i := range words {
		bits := min(32, b.Bits()-32*i)
		left := (words-i-1)*perWord + 1 // instructions of this block that follow
		program = append(program,
			bpf.LoadAbsolute{Off: uint32(offsetDst + 4*i), Size: 4},
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: ^uint32(0) << (32 - bits)},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(address[4*i:]), SkipTrue: uint8(left)},
		)
	}
	return append(program, accept)
}

// asLoaded32 and asLoaded16 return what a BPF load, which is big-endian, makes
// of a number in the host's order.
func asLoaded32(n uint32) uint32 {
	return binary.BigEndian.Uint32(native.AppendUint32(nil, n))
}

func asLoaded16(n uint16) uint32 {
	return uint32(binary.BigEndian.Uint16(native.AppendUint16(nil, n)))
}
