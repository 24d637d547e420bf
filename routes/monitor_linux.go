package routes

import (
	"os"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// monitorBuffer holds a flush of some ten thousand routes; what is beyond it
// is found by an audit (Overflow).
const monitorBuffer = 16 << 20

// groups are the multicast groups that the monitor hears.
var groups = []int{unix.RTNLGRP_LINK, unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV6_ROUTE}

// openMonitor makes a socket that hears of links, addresses and routes, but
// not of what the socket with port id installer does. It reads through the
// runtime's poller, so that a deadline can end a read.
func openMonitor(installer uint32, o Options) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), "rtnetlink monitor")
	if err := subscribe(fd, monitorFilter(installer, o)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// subscribe attaches the filter before anything can arrive.
func subscribe(fd int, filter []bpf.RawInstruction) error {
	program := make([]unix.SockFilter, len(filter))
	for i, f := range filter {
		program[i] = unix.SockFilter{Code: f.Op, Jt: f.Jt, Jf: f.Jf, K: f.K}
	}
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return os.NewSyscallError("attach filter", err)
	}
	growBuffers(fd, monitorBuffer)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	for _, g := range groups {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, g); err != nil {
			return os.NewSyscallError("subscribe", err)
		}
	}
	return nil
}
