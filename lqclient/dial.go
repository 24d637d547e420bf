package lqclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
)

// The defaults for what a Server leaves zero (PROTOCOL.md, 3.7; R96).
const (
	DefaultConnectTimeout = 30 * time.Second
	DefaultDataTimeout    = 300 * time.Second
	DefaultSuspectRate    = 200
	DefaultOutstanding    = 100
	DefaultLookupRate     = 500
)

// errNoSource reports that our own source address is not there: absent, or
// still tentative. It comes by itself, so that waiting for it is no failure.
var errNoSource = errors.New("the address is not on any interface yet, or its duplicate address detection is still running")

// A dialFunc makes a TCP connection. from may be invalid: the kernel chooses.
type dialFunc func(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error)

// Dial connects to a server. clientID is our own DUID (R2). log may be nil. The
// connection does nothing until its Run is called. The error is ctx's, or
// wraps ErrTimeout (R46) or what the operating system said.
func Dial(ctx context.Context, s Server, clientID []byte, log *logrus.Entry) (*Conn, error) {
	return connect(ctx, dialTCP, s, clientID, newNotes(log))
}

// connect is Dial with all that a Requestor brings along.
func connect(ctx context.Context, dial dialFunc, s Server, clientID []byte, n *notes) (*Conn, error) {
	s = s.withDefaults()
	limited, cancel := context.WithTimeout(ctx, s.ConnectTimeout)
	defer cancel()
	c, err := dial(limited, s.Source, s.Address)
	switch {
	case err == nil:
		count(&n.counters.Connects)
		return newConn(c, s, clientID, n), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case s.Source.IsValid() && errors.Is(err, syscall.EADDRNOTAVAIL):
		count(&n.counters.SourceWaits)
		return nil, fmt.Errorf("connect to %s from %s: %w", s.Address, s.Source, errNoSource)
	case errors.Is(err, syscall.ECONNRESET): // it accepted and closed, before we had noticed the one
		count(&n.counters.Refusals)
		return nil, fmt.Errorf("connect to %s: %w (%w)", s.Address, ErrRefused, err)
	}
	count(&n.counters.ConnectFailures)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		count(&n.counters.ConnectTimeouts)
		return nil, fmt.Errorf("connect to %s: %w after %s: is the server up, is there a route to it and back?",
			s.Address, ErrTimeout, s.ConnectTimeout)
	}
	return nil, fmt.Errorf("connect to %s: %w", s.Address, explain(err))
}

// explain says of a failed connect what may be the cause, where that can be
// told.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens there: the server is down or still loads its leases, or bulk leasequery is off (%w)", err)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Errorf("there is no way to the server (%w)", err)
	}
	return err
}

// dialTCP is the real dialFunc.
func dialTCP(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return d.DialContext(ctx, "tcp", to.String())
}

// withDefaults fills in what has a default.
func (s Server) withDefaults() Server {
	s.Concurrent = max(s.Concurrent, 1)
	if s.ConnectTimeout <= 0 {
		s.ConnectTimeout = DefaultConnectTimeout
	}
	if s.DataTimeout <= 0 {
		s.DataTimeout = DefaultDataTimeout
	}
	if s.SuspectRate <= 0 {
		s.SuspectRate = DefaultSuspectRate
	}
	if s.Outstanding <= 0 {
		s.Outstanding = DefaultOutstanding
	}
	if s.LookupRate <= 0 {
		s.LookupRate = DefaultLookupRate
	}
	return s
}
