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

// silence pings an address from each CPU, and returns for each of the windows
// of time that follow one another the longest time, in seconds, between two
// answers that one CPU got. In a network of namespaces a packet stays on its
// sender's CPU, router included; so this is for how long the router forwards
// nothing of what arrives at one CPU.
func silence(ctx context.Context, n *lab.Namespace, to netip.Addr, windows int, window time.Duration) (series, error) {
	var g errgroup.Group
	found := make([]series, runtime.NumCPU())
	for cpu := range found {
		g.Go(func() error {
			return n.Do(func() (err error) {
				found[cpu], err = silenceOn(ctx, cpu, to, windows, window)
				return err
			})
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	longest := make(series, windows)
	for _, f := range found {
		for i := range f {
			longest[i] = max(longest[i], f[i])
		}
	}
	return longest, nil
}

// silenceOn is silence for one CPU. Its goroutine must end after it.
func silenceOn(ctx context.Context, cpu int, to netip.Addr, windows int, window time.Duration) (series, error) {
	p, err := newPinger(cpu, to)
	if err != nil {
		return nil, err
	}
	defer unix.Close(p.fd)
	longest := make(series, windows)
	began := time.Now()
	for last := began; ; {
		if err := errors.Join(ctx.Err(), p.ping()); err != nil {
			return nil, err
		}
		now := time.Now()
		i := int(now.Sub(began) / window)
		if i >= windows {
			return longest, nil
		}
		longest[i] = max(longest[i], now.Sub(last).Seconds())
		last = now
		rest := unix.NsecToTimespec(int64(cadence))
		_ = unix.Nanosleep(&rest, nil) // cut short by a signal, which does no harm
	}
}

// A pinger sends pings from one CPU, one at a time.
type pinger struct {
	fd int
	to unix.SockaddrInet6
	id uint16
}

// patience is how long an answer is waited for before the next ping is sent:
// one that is lost costs so much.
const patience = 20 * time.Millisecond

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
	timeout := unix.NsecToTimeval(int64(patience))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return nil, errors.Join(os.NewSyscallError("setsockopt", err), unix.Close(fd))
	}
	return &pinger{fd: fd, to: unix.SockaddrInet6{Addr: to.As16()}, id: uint16(os.Getpid()) + uint16(cpu)}, nil
}

// ping sends pings until one is answered, whichever.
func (p *pinger) ping() error {
	request := []byte{128, 0, 0, 0} // an echo request; the kernel fills in the checksum
	request = binary.BigEndian.AppendUint16(request, p.id)
	request = append(request, 0, 0)
	for {
		if err := unix.Sendto(p.fd, request, 0, &p.to); err != nil {
			return os.NewSyscallError("sendto", err)
		}
		if answered, err := p.answered(); answered || err != nil {
			return err
		}
	}
}

// answered reports whether an answer came in time. The socket hears the
// answers to other CPUs too.
func (p *pinger) answered() (bool, error) {
	const reply = 129
	began := time.Now()
	for buffer := make([]byte, 1500); time.Since(began) < patience; {
		n, err := unix.Read(p.fd, buffer)
		switch {
		case err == unix.EINTR, err == unix.EAGAIN:
		case err != nil:
			return false, os.NewSyscallError("read", err)
		case n >= 8 && buffer[0] == reply && binary.BigEndian.Uint16(buffer[4:]) == p.id:
			return true, nil
		}
	}
	return false, nil
}
