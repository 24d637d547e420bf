//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"leaseroute/test/lab"
)

// bare is the yardstick of installation: the routes encoded beforehand, sent
// in batches on one netlink socket, with one answer a batch and nothing else.
type bare struct {
	batches [][]byte
}

// bareBatch is how many messages share a system call where speed counts. From 16 to 256 makes no
// difference to the kernel.
const bareBatch = 256

// protocol marks leaseroute's routes, and those of the yardstick, which are
// the same.
const (
	protocol = 158
	metric   = 1024
)

// newBare encodes the routes for a namespace that has their interfaces, in
// batches of a size.
func newBare(targets []target, n *lab.Namespace, size int) (*bare, error) {
	index := make(map[string]int)
	err := n.Do(func() error {
		all, err := net.Interfaces()
		for _, i := range all {
			index[i.Name] = i.Index
		}
		return err
	})
	b := &bare{}
	for i, t := range targets {
		if i%size == 0 {
			b.batches = append(b.batches, nil)
		}
		batch := &b.batches[len(b.batches)-1]
		flags := uint16(unix.NLM_F_REQUEST | unix.NLM_F_CREATE | unix.NLM_F_EXCL)
		if (i+1)%size == 0 || i == len(targets)-1 {
			flags |= unix.NLM_F_ACK
		}
		*batch = appendRoute(*batch, flags, &t, index[t.Dev])
	}
	return b, err
}

// appendRoute encodes one RTM_NEWROUTE.
func appendRoute(b []byte, flags uint16, t *target, index int) []byte {
	native := binary.NativeEndian
	at := len(b)
	b = native.AppendUint32(b, 0)
	b = native.AppendUint16(b, unix.RTM_NEWROUTE)
	b = native.AppendUint16(b, flags)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // sequence and port
	b = append(b, unix.AF_INET6, byte(t.Prefix.Bits()), 0, 0, unix.RT_TABLE_MAIN, protocol, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST)
	b = append(b, 0, 0, 0, 0) // flags
	address := func(kind uint16, a netip.Addr) {
		b = native.AppendUint16(b, unix.SizeofRtAttr+16)
		b = native.AppendUint16(b, kind)
		b = append(b, a.AsSlice()...)
	}
	number := func(kind uint16, n uint32) {
		b = native.AppendUint16(b, unix.SizeofRtAttr+4)
		b = native.AppendUint16(b, kind)
		b = native.AppendUint32(b, n)
	}
	address(unix.RTA_DST, t.Prefix.Addr())
	number(unix.RTA_PRIORITY, metric)
	number(unix.RTA_OIF, uint32(index))
	address(unix.RTA_GATEWAY, t.Gateway)
	number(unix.RTA_EXPIRES, uint32(t.expires/time.Second))
	native.PutUint32(b[at:], uint32(len(b)-at))
	return b
}

// send installs the routes and returns how long that took.
func (b *bare) send(n *lab.Namespace) (time.Duration, error) {
	fd, err := routeSocket(n)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	answer := make([]byte, 4096)
	began := time.Now()
	for _, batch := range b.batches {
		if err := sendBatch(fd, batch, answer); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// routeSocket opens a socket for requests to a namespace's kernel.
func routeSocket(n *lab.Namespace) (fd int, err error) {
	err = n.Do(func() error {
		fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		return os.NewSyscallError("socket", err)
	})
	if err == nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1) // short answers; long ones would do
	}
	return fd, err
}

// sendBatch sends one batch and reads its answer: the first refusal, or that
// the last message is done.
func sendBatch(fd int, batch, answer []byte) error {
	if _, err := unix.Write(fd, batch); err != nil {
		return os.NewSyscallError("write netlink", err)
	}
	n, err := unix.Read(fd, answer)
	if err != nil {
		return os.NewSyscallError("read netlink", err)
	}
	if n < unix.NLMSG_HDRLEN+4 {
		return fmt.Errorf("the kernel answers with %d octets", n)
	}
	if errno := unix.Errno(-int32(binary.NativeEndian.Uint32(answer[unix.NLMSG_HDRLEN:]))); errno != 0 {
		return fmt.Errorf("the kernel refuses a route: %w", errno)
	}
	return nil
}
