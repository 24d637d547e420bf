//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"leaseroute/test/lab"
)

// A generator lets packets arrive at an interface as fast as one processor can
// deal with them. The kernel makes them itself, in the interface's receive path
// (BPF_F_TEST_XDP_LIVE_FRAMES), so that next to nothing of the time is for
// sending them.
type generator struct {
	space *lab.Namespace
	index uint32 // of the interface
	frame []byte
	fd    int // of the program that each frame passes first
}

// Where the addresses are in a frame, behind the Ethernet header.
const (
	sourceAt = 14 + 8
	destAt   = 14 + 24
)

// newGenerator prepares frames like one, which is a datagram over IPv6. The
// address at one place in them is one of so many, a power of two: that with
// the number i has i doubled in its sixth and seventh octet.
func newGenerator(n *lab.Namespace, dev string, frame []byte, at int16, many int32) (*generator, error) {
	g := &generator{space: n, frame: frame}
	var pins runtime.Pinner
	defer pins.Unpin()
	program := restore(frame, at, many)
	load := struct {
		kind, count      uint32
		program, license uint64
		rest             [96]byte
	}{
		kind: unix.BPF_PROG_TYPE_XDP, count: uint32(len(program) / 8),
		program: pinned(&pins, program), license: pinned(&pins, []byte("GPL\x00")),
	}
	err := n.Do(func() (err error) {
		link, err := net.InterfaceByName(dev)
		if err != nil {
			return err
		}
		g.index = uint32(link.Index)
		g.fd, err = bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&load), unsafe.Sizeof(load))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prepare packets for %s: %w", dev, err)
	}
	return g, nil
}

// pinned returns where b is, and will be until pins are taken out.
func pinned(pins *runtime.Pinner, b []byte) uint64 {
	pins.Pin(&b[0])
	return uint64(uintptr(unsafe.Pointer(&b[0])))
}

func bpf(command int, attributes unsafe.Pointer, size uintptr) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(command), uintptr(attributes), size)
	if errno != 0 {
		return 0, os.NewSyscallError("bpf", errno)
	}
	return int(n), nil
}

// run lets so many packets arrive, and returns what the kernel took for each,
// until it was done with all. In that it does not count when others had the
// processor.
func (g *generator) run(packets int) (each time.Duration, err error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	arrival := make([]byte, 24) // struct xdp_md: from octet 0 to length, and the interface
	binary.NativeEndian.PutUint32(arrival[4:], uint32(len(g.frame)))
	binary.NativeEndian.PutUint32(arrival[12:], g.index)
	test := struct {
		program, result, sizeIn, sizeOut uint32
		dataIn, dataOut                  uint64
		repeat, duration                 uint32
		contextSizeIn, contextSizeOut    uint32
		contextIn, contextOut            uint64
		flags, cpu, batch                uint32
	}{
		program: uint32(g.fd), sizeIn: uint32(len(g.frame)), dataIn: pinned(&pins, g.frame), repeat: uint32(packets),
		contextSizeIn: uint32(len(arrival)), contextIn: pinned(&pins, arrival), flags: unix.BPF_F_TEST_XDP_LIVE_FRAMES,
	}
	err = g.space.Do(func() error {
		for {
			_, err := bpf(unix.BPF_PROG_TEST_RUN, unsafe.Pointer(&test), unsafe.Sizeof(test))
			if !errors.Is(err, unix.EINTR) { // the Go runtime's own signals break it off
				return err
			}
		}
	})
	return time.Duration(test.duration), err
}

func (g *generator) close() { unix.Close(g.fd) }

// restore is the program that each frame passes: it writes again what
// forwarding has changed in the frame's last life, since the kernel uses the
// same ones all over, and gives it one of the addresses.
func restore(frame []byte, address int16, many int32) (program []byte) {
	const (
		load32    = 0x61 // BPF_LDX | BPF_MEM | BPF_W
		put32     = 0x62 // BPF_ST | BPF_MEM | BPF_W
		put8      = 0x72 // BPF_ST | BPF_MEM | BPF_B
		store8    = 0x73 // BPF_STX | BPF_MEM | BPF_B
		move      = 0xbf // BPF_ALU64 | BPF_MOV | BPF_X
		set       = 0xb7 // BPF_ALU64 | BPF_MOV | BPF_K
		add       = 0x07 // BPF_ALU64 | BPF_ADD | BPF_K
		and       = 0x57 // BPF_ALU64 | BPF_AND | BPF_K
		left      = 0x67 // BPF_ALU64 | BPF_LSH | BPF_K
		right     = 0x77 // BPF_ALU64 | BPF_RSH | BPF_K
		ifGreater = 0x2d // BPF_JMP | BPF_JGT | BPF_X
		call      = 0x85
		exit      = 0x95

		random = 7 // bpf_get_prandom_u32
		pass   = 2 // XDP_PASS

		hopLimit = 14 + 7
	)
	do := func(code, to, from byte, offset int16, value int32) {
		program = append(program, code, from<<4|to)
		program = binary.NativeEndian.AppendUint16(program, uint16(offset))
		program = binary.NativeEndian.AppendUint32(program, uint32(value))
	}
	do(load32, 7, 1, 0, 0) // r7: the frame
	do(load32, 3, 1, 4, 0) // r3: its end
	do(move, 4, 7, 0, 0)
	do(add, 4, 0, 0, destAt+16)
	do(ifGreater, 4, 3, 10, 0) // to the end; the verifier wants to see it
	for at := int16(0); at < 12; at += 4 {
		do(put32, 7, 0, at, int32(binary.NativeEndian.Uint32(frame[at:])))
	}
	do(put8, 7, 0, hopLimit, int32(frame[hopLimit]))
	do(call, 0, 0, 0, random)
	do(and, 0, 0, 0, many-1)
	do(left, 0, 0, 0, 1)
	do(store8, 7, 0, address+6, 0)
	do(right, 0, 0, 0, 8)
	do(store8, 7, 0, address+5, 0)
	do(set, 0, 0, 0, pass)
	do(exit, 0, 0, 0, 0)
	return program
}
