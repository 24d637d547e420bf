//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"leaseroute/test/lab"
)

// A monitor is told of every change to the IPv6 routes of a namespace.
type monitor struct {
	fd int
}

func newMonitor(n *lab.Namespace) (m *monitor, err error) {
	err = n.Do(func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
		if err != nil {
			return os.NewSyscallError("socket", err)
		}
		m = &monitor{fd}
		return os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrNetlink{
			Family: unix.AF_NETLINK, Groups: 1 << (unix.RTNLGRP_IPV6_ROUTE - 1),
		}))
	})
	return m, err
}

// count returns how many changes it was told of. More than it can hold are at
// least one.
func (m *monitor) count() (n int, err error) {
	buffer := make([]byte, 64<<10)
	for {
		size, err := unix.Read(m.fd, buffer)
		switch err {
		case nil:
		case unix.EAGAIN:
			return n, nil
		case unix.ENOBUFS:
			n++
			continue
		default:
			return n, os.NewSyscallError("read netlink", err)
		}
		for range messages(buffer[:size]) {
			n++
		}
	}
}

// await waits until a route to p is made, new or replaced.
func (m *monitor) await(p netip.Prefix, patience time.Duration) error {
	buffer := make([]byte, 64<<10)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		ready := []unix.PollFd{{Fd: int32(m.fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, int(time.Until(deadline)/time.Millisecond)+1); err != nil && err != unix.EINTR {
			return os.NewSyscallError("poll", err)
		}
		size, err := unix.Read(m.fd, buffer)
		if err == unix.EAGAIN {
			continue
		}
		if err != nil {
			return os.NewSyscallError("read netlink", err)
		}
		for message := range messages(buffer[:size]) {
			if madeRoute(message) == p {
				return nil
			}
		}
	}
	return fmt.Errorf("no route to %s after %s", p, patience)
}

// messages yields the netlink messages in b.
func messages(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(b) >= unix.NLMSG_HDRLEN {
			length := min(max(int(binary.NativeEndian.Uint32(b)+3)&^3, unix.NLMSG_HDRLEN), len(b))
			if !yield(b[:length]) {
				return
			}
			b = b[length:]
		}
	}
}

// madeRoute is the prefix of an IPv6 route that a message says is there now;
// invalid if it says something else.
func madeRoute(message []byte) netip.Prefix {
	const head = unix.NLMSG_HDRLEN + unix.SizeofRtMsg
	if len(message) < head || binary.NativeEndian.Uint16(message[4:]) != unix.RTM_NEWROUTE {
		return netip.Prefix{}
	}
	for rest := message[head:]; len(rest) >= unix.SizeofRtAttr; {
		length := int(binary.NativeEndian.Uint16(rest))
		if length < unix.SizeofRtAttr || length > len(rest) {
			break
		}
		if binary.NativeEndian.Uint16(rest[2:]) == unix.RTA_DST && length == unix.SizeofRtAttr+16 {
			to := netip.AddrFrom16([16]byte(rest[unix.SizeofRtAttr:]))
			return netip.PrefixFrom(to, int(message[unix.NLMSG_HDRLEN+1]))
		}
		rest = rest[min((length+3)&^3, len(rest)):]
	}
	return netip.Prefix{}
}

func (m *monitor) close() { unix.Close(m.fd) }
