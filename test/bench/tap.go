//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"leaseroute/test/lab"
)

// A tap is the yardstick of gleaning: it reads every packet that comes in, as
// the daemon does, and does nothing with it.
type tap struct {
	fd   int
	used time.Duration // CPU time of the reader
	seen int           // packets read
	lost uint64        // packets that the kernel had no room for
}

// tapBuffer is the daemon's default for its own socket.
const tapBuffer = 4 << 20

// tapPatience is how long a silence is the end of the traffic.
const tapPatience = 2 * time.Second

func newTap(n *lab.Namespace) (t *tap, err error) {
	err = n.Do(func() error {
		everything := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}) // in network order
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(everything))
		if err != nil {
			return os.NewSyscallError("socket", err)
		}
		t = &tap{fd: fd}
		silence := unix.NsecToTimeval(int64(tapPatience))
		return os.NewSyscallError("setsockopt", errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, tapBuffer),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &silence)))
	})
	return t, err
}

// read reads until there were so many packets, or silence: some were lost. Its
// goroutine must end after it.
func (t *tap) read(packets int) error {
	runtime.LockOSThread() // never undone: the thread's CPU time is ours alone
	var before, after unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &before); err != nil {
		return os.NewSyscallError("getrusage", err)
	}
	for buffer := make([]byte, 64<<10); t.seen < packets; {
		_, _, err := unix.Recvfrom(t.fd, buffer, 0)
		if err == unix.EAGAIN {
			break
		}
		if err == nil {
			t.seen++
		} else if err != unix.EINTR {
			return os.NewSyscallError("recvfrom", err)
		}
	}
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &after); err != nil {
		return os.NewSyscallError("getrusage", err)
	}
	t.used = spent(&after) - spent(&before)
	s, err := unix.GetsockoptTpacketStats(t.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err == nil {
		t.lost = uint64(s.Drops)
	}
	return os.NewSyscallError("getsockopt", err)
}

// spent is the CPU time, user and system.
func spent(u *unix.Rusage) time.Duration { return time.Duration(u.Utime.Nano() + u.Stime.Nano()) }

func (t *tap) close() { unix.Close(t.fd) }
