//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Wire sends frames out of an interface just as they are, as a packet
// generator or a forger does. It is for one goroutine at a time.
type Wire struct {
	fd     int
	frames [floodBatch][floodFrame]byte
	iovecs [floodBatch]unix.Iovec
	calls  [floodBatch]mmsghdr
}

const (
	floodBatch = 64  // frames in a system call
	floodFrame = 256 // octets in a frame of a flood, at most
)

// An mmsghdr is one message of sendmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	sent   uint32
}

// Wire opens an interface of the namespace for frames of the caller's own.
func (n *Namespace) Wire(dev string) (*Wire, error) {
	w := &Wire{fd: -1}
	err := n.Do(func() (err error) {
		link, err := net.InterfaceByName(dev)
		if err != nil {
			return err
		}
		// Protocol 0: nothing is received.
		if w.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return os.NewSyscallError("socket", err)
		}
		return os.NewSyscallError("bind", unix.Bind(w.fd, &unix.SockaddrLinklayer{Ifindex: link.Index}))
	})
	if err != nil {
		if w.fd >= 0 {
			unix.Close(w.fd)
		}
		return nil, fmt.Errorf("open a wire to %s in %s: %w", dev, n.Name, err)
	}
	for i := range w.calls {
		w.iovecs[i].Base = &w.frames[i][0]
		w.calls[i].header.Iov = &w.iovecs[i]
		w.calls[i].header.SetIovlen(1)
	}
	return w, nil
}

// Send sends a frame.
func (w *Wire) Send(frame []byte) error {
	_, err := unix.Write(w.fd, frame)
	return os.NewSyscallError("send frame", err)
}

// Flood sends frames as fast as one processor can, until there were limit of
// them or ctx ends, which is no error. fill writes the next frame and returns
// its length; what it wrote some frames earlier is still there. It returns the
// number of frames that were sent.
func (w *Wire) Flood(ctx context.Context, limit int, fill func(frame []byte) int) (sent int, err error) {
	for sent < limit && ctx.Err() == nil {
		batch := min(floodBatch, limit-sent)
		for i := range batch {
			w.iovecs[i].SetLen(fill(w.frames[i][:]))
		}
		n, err := w.sendBatch(batch)
		if err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}

// sendBatch sends the first frames. A queue that is full is no error.
func (w *Wire) sendBatch(batch int) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(w.fd), uintptr(unsafe.Pointer(&w.calls[0])), uintptr(batch), 0, 0, 0)
	switch {
	case errno == 0:
		return int(n), nil
	case errors.Is(errno, unix.ENOBUFS), errors.Is(errno, unix.EINTR), errors.Is(errno, unix.EAGAIN):
		return 0, nil
	}
	return 0, os.NewSyscallError("sendmmsg", errno)
}

// Close closes the wire.
func (w *Wire) Close() error { return os.NewSyscallError("close", unix.Close(w.fd)) }
