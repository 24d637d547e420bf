package routes

import (
	"os"

	"golang.org/x/sys/unix"
)

// shrink gives a socket a receive buffer for a few messages only.
func shrink(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 8192) })
	if err != nil {
		return err
	}
	return failed
}
