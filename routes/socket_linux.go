package routes

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// bufferSize holds any datagram of the kernel's: a dump's parts have at
	// most 32 KiB.
	bufferSize = 64 << 10
	// requestBuffer is what a socket for requests may queue: 1 MiB holds the
	// answers to more than ten batches that fail as a whole.
	requestBuffer = 4 << 20
	// answerTimeout ends a wait for an answer that was lost. The kernel
	// answers within the system call that asks, so it is never met in health.
	answerTimeout = 10
)

// errLost reports that the kernel could not deliver an answer.
var errLost = errors.New("answers of the kernel were lost")

// A socket is a netlink socket for requests and their answers. It belongs to
// one goroutine at a time.
type socket struct {
	fd   int
	port uint32 // its address: what the kernel names as the cause of a change
	seq  uint32 // of the next request
	in   []byte
	out  []byte
}

// openSocket makes a socket in the caller's network namespace.
func openSocket() (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &socket{fd: fd, seq: 1, in: make([]byte, bufferSize)}
	if err := s.setUp(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *socket) setUp() error {
	if err := unix.Bind(s.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	name, err := unix.Getsockname(s.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	s.port = name.(*unix.SockaddrNetlink).Pid
	// An answer without the request in it is short, and with the kernel's own
	// words it is plain. A strict dump is filtered in the kernel. A kernel
	// without one of these does the rest all the same.
	for _, option := range []int{unix.NETLINK_CAP_ACK, unix.NETLINK_EXT_ACK, unix.NETLINK_GET_STRICT_CHK} {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_NETLINK, option, 1)
	}
	growBuffers(s.fd, requestBuffer)
	timeout := unix.Timeval{Sec: answerTimeout}
	return os.NewSyscallError("setsockopt", unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout))
}

// growBuffers asks for socket buffers of size octets, beyond the system's
// limit where we may. Smaller ones cost speed, never correctness.
func growBuffers(fd, size int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, size)
	}
}

func (s *socket) close() error {
	return os.NewSyscallError("close", unix.Close(s.fd))
}

// send hands s.out to the kernel, which has carried out all of it on return.
//
// The call is a raw one: the scheduler does not know that we are in the
// kernel, where we work and do not wait, and so gives our right to run to
// nobody else. After an ordinary call we would have to wait for it, a tenth of
// the time that a recovery takes.
func (s *socket) send() error {
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(s.out))), uintptr(len(s.out)))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return os.NewSyscallError("write netlink", errno)
		}
	}
}

// receive returns the next datagram, valid until the next call. The error is
// errLost if the kernel dropped one, or none came.
func (s *socket) receive() ([]byte, error) {
	for {
		n, err := unix.Read(s.fd, s.in)
		switch err {
		case nil:
			return s.in[:n], nil
		case unix.EINTR:
		case unix.ENOBUFS, unix.EAGAIN:
			return nil, errLost
		default:
			return nil, os.NewSyscallError("read netlink", err)
		}
	}
}

// drain throws away what is queued.
func (s *socket) drain() {
	for {
		_, _, err := unix.Recvfrom(s.fd, s.in, unix.MSG_DONTWAIT)
		if err != nil && err != unix.EINTR && err != unix.ENOBUFS {
			return
		}
	}
}

// An answerError is the kernel's refusal of one request.
type answerError struct {
	errno unix.Errno
	words string // the kernel's; may be empty
}

func (e *answerError) Error() string {
	if e.words == "" {
		return e.errno.Error()
	}
	return fmt.Sprintf("%s (%s)", e.words, e.errno)
}

func (e *answerError) Unwrap() error { return e.errno }

// parseAnswer decodes the payload of an NLMSG_ERROR: errno 0 is a success.
// With NETLINK_CAP_ACK only the request's header is in it. The error wraps
// errTruncated.
func parseAnswer(m message) (answerError, error) {
	if len(m.payload) < unix.SizeofNlMsgerr {
		return answerError{}, fmt.Errorf("answer of %d octets: %w", len(m.payload), errTruncated)
	}
	e := answerError{errno: unix.Errno(-int32(native.Uint32(m.payload)))}
	rest := m.payload[unix.SizeofNlMsgerr:]
	if m.flags&unix.NLM_F_CAPPED == 0 || m.flags&unix.NLM_F_ACK_TLVS == 0 {
		return e, nil
	}
	for len(rest) > 0 {
		kind, value, next, err := nextAttribute(rest)
		if err != nil {
			return e, err
		}
		if kind == unix.NLMSGERR_ATTR_MSG {
			e.words = unix.ByteSliceToString(value)
		}
		rest = next
	}
	return e, nil
}
