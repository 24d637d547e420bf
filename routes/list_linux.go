package routes

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// list sends a request for a dump and calls take with each datagram of the
// answer. After an error of take's the rest is read and thrown away. The error
// is ErrDumpInterrupted if the kernel says so.
func (s *socket) list(request []byte, take func([]byte) error) error {
	seq := s.seq
	s.seq++
	s.out = append(s.out[:0], request...)
	native.PutUint32(s.out[8:], seq)
	if err := s.send(); err != nil {
		return err
	}
	var (
		failed error
		so     progress
	)
	for !so.end {
		b, err := s.receive()
		if err != nil {
			return err
		}
		if err := so.follow(b, seq); err != nil {
			return err
		}
		if failed == nil {
			failed = take(b)
		}
	}
	if failed == nil && so.interrupted {
		return ErrDumpInterrupted
	}
	return failed
}

// progress is how far a dump has come.
type progress struct{ end, interrupted bool }

// follow reads one datagram of the dump numbered seq. A table that does not
// exist yet is an empty one.
func (p *progress) follow(b []byte, seq uint32) error {
	return each(b, func(m message) error {
		if m.seq != seq {
			return nil
		}
		p.interrupted = p.interrupted || m.flags&unix.NLM_F_DUMP_INTR != 0
		var errno unix.Errno
		switch m.kind {
		case unix.NLMSG_DONE:
			if n, err := uint32Of(m.payload); err == nil {
				errno = unix.Errno(-int32(n))
			}
		case unix.NLMSG_ERROR:
			answer, err := parseAnswer(m)
			if err != nil {
				return err
			}
			errno = answer.errno
		default:
			return nil
		}
		p.end = true
		if errno != 0 && errno != unix.ENOENT && errno != unix.ESRCH {
			return fmt.Errorf("list: %w", errno)
		}
		return nil
	})
}

// each calls f for every message in a datagram.
func each(b []byte, f func(message) error) error {
	for len(b) > 0 {
		m, rest, err := nextMessage(b)
		if err != nil {
			return err
		}
		if err := f(m); err != nil {
			return err
		}
		b = rest
	}
	return nil
}
