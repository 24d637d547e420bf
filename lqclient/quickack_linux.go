package lqclient

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// newQuickAck returns a function that acknowledges at once what has been read
// from socket. Servers send the REPLY and the DONE of a small answer with two
// writes, and by Nagle's algorithm the second waits for our acknowledgement,
// which the kernel would put off by 40 ms: 25 questions a second, not 200. The
// option lasts for a few packets only, so it is set after every read.
func newQuickAck(socket net.Conn) func() {
	c, ok := socket.(syscall.Conn)
	if !ok {
		return func() {}
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return func() {} // the socket is closed: reading will tell
	}
	set := func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) // without it all works, slower
	}
	return func() { _ = raw.Control(set) }
}
