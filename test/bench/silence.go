//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"leaseroute/test/lab"
)

// cadence is how often a silence is looked for: a ping follows the answer to
// the last one by so much.
const cadence = time.Millisecond

// silence pings an address for some time from each CPU, and returns the
// longest time between two answers that one CPU got. In a network of
// namespaces a packet stays on its sender's CPU, router included; so this is
// for how long the router forwards nothing of what arrives at one CPU.
func silence(ctx context.Context, n *lab.Namespace, to netip.Addr, d time.Duration) (longest time.Duration, err error) {
	var g errgroup.Group
	found := make([]time.Duration, runtime.NumCPU())
	for i := range found {
		g.Go(func() error {
			return n.Do(func() (err error) {
				found[i], err = silenceOn(ctx, i, to, d)
				return err
			})
		})
	}
	err = g.Wait()
	for _, f := range found {
		longest = max(longest, f)
	}
	return longest, err
}

// silenceOn is silence for one CPU. Its goroutine must end after it.
func silenceOn(ctx context.Context, cpu int, to netip.Addr, d time.Duration) (longest time.Duration, err error) {
	p, err := newPinger(cpu, to)
	if err != nil {
		return 0, err
	}
	defer unix.Close(p.fd)
	began := time.Now()
	for last := began; time.Since(began) < d; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := p.ping(); err != nil {
			return 0, err
		}
		now := time.Now()
		longest = max(longest, now.Sub(last))
		last = now
		rest := unix.NsecToTimespec(int64(cadence))
		_ = unix.Nanosleep(&rest, nil) // cut short by a signal, which does no harm
	}
	return longest, nil
}

// A pinger sends pings from one CPU, one at a time.
type pinger struct {
	fd  int
	to  unix.SockaddrInet6
	id  uint16
	seq uint16
}

// newPinger binds the calling goroutine to a CPU for good.
func newPinger(cpu int, to netip.Addr) (*pinger, error) {
	runtime.LockOSThread() // never undone: the thread ends with its goroutine
	var only unix.CPUSet
	only.Set(cpu)
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		return nil, os.NewSyscallError("sched_setaffinity", err)
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	patience := unix.Timeval{Sec: 1}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return nil, errors.Join(os.NewSyscallError("setsockopt", err), unix.Close(fd))
	}
	return &pinger{fd: fd, to: unix.SockaddrInet6{Addr: to.As16()}, id: uint16(os.Getpid()) + uint16(cpu)}, nil
}

// ping sends pings until one is answered; one that is lost is sent again
// after a second.
func (p *pinger) ping() error {
	for {
		p.seq++
		request := []byte{128, 0, 0, 0} // the kernel fills in the checksum
		request = binary.BigEndian.AppendUint16(request, p.id)
		request = binary.BigEndian.AppendUint16(request, p.seq)
		if err := unix.Sendto(p.fd, request, 0, &p.to); err != nil {
			return os.NewSyscallError("sendto", err)
		}
		switch err := p.answer(); {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EAGAIN):
			return err
		}
	}
}

// answer waits for the answer to the last ping: EAGAIN if none comes.
func (p *pinger) answer() error {
	const reply = 129
	for buffer := make([]byte, 1500); ; {
		n, err := unix.Read(p.fd, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("read", err)
		}
		if n >= 8 && buffer[0] == reply && binary.BigEndian.Uint16(buffer[4:]) == p.id && binary.BigEndian.Uint16(buffer[6:]) == p.seq {
			return nil
		}
	}
}
