package control

import (
	"net"

	"golang.org/x/sys/unix"
)

// A peer is the process at the other end of a unix socket.
type peer struct{ pid, uid int } // 0 and -1: the kernel does not tell

// peerOf asks the kernel who made the other end.
func peerOf(c net.Conn) peer {
	nobody := peer{uid: -1}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nobody
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return nobody
	}
	var cred *unix.Ucred
	if failed := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); failed != nil || err != nil {
		return nobody
	}
	return peer{pid: int(cred.Pid), uid: int(cred.Uid)}
}
