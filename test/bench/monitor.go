//go:build linux

package main

import (
	"encoding/binary"
	"os"

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
		for b := buffer[:size]; len(b) >= unix.NLMSG_HDRLEN; n++ {
			length := int(binary.NativeEndian.Uint32(b)+3) &^ 3
			b = b[min(max(length, unix.NLMSG_HDRLEN), len(b)):]
		}
	}
}

func (m *monitor) close() { unix.Close(m.fd) }
