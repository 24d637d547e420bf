package lqserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// A Server answers bulk leasequeries on one listener, and those about single
// clients on one UDP socket.
type Server struct {
	options  Options
	engine   *engine
	limiter  *rate.Limiter // of queries (S14)
	faults   atomic.Pointer[faultSet]
	sequence atomic.Uint64 // the last number given out (S16)
	census   *census       // of UDP
	stats    counters
}

// A faultSet is faults since the moment when they were set.
type faultSet struct {
	Faults
	any     bool
	since   time.Time
	begun   uint64 // transactions over UDP before that
	queries int    // over UDP that LoseEvery has counted; the responder's alone
}

// New returns a server that answers from store. The error says which option
// is wrong.
func New(o Options, store Store) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: o,
		engine:  &engine{store: store, manner: o.Manner, denied: o.Denied, sensitive: o.Sensitive},
		limiter: rate.NewLimiter(rate.Inf, 1),
		census:  newCensus(),
	}
	if o.QueryRate > 0 {
		s.limiter.SetLimit(rate.Limit(o.QueryRate))
	}
	s.SetFaults(o.Faults)
	return s, nil
}

// Addr is where the server listens: for connections if it takes any, else for
// datagrams.
func (s *Server) Addr() net.Addr {
	if s.options.Listener == nil {
		return s.options.Packets.LocalAddr()
	}
	return s.options.Listener.Addr()
}

// SetFaults changes the faults for connections and datagrams to come. Those of
// Times are counted from here.
func (s *Server) SetFaults(f Faults) {
	s.faults.Store(&faultSet{Faults: f, any: !f.none(), since: time.Now(), begun: s.census.begun()})
	s.stats.faulty.Store(0)
	s.stats.udp.faulty.Store(0)
}

// Run serves until ctx ends, and then returns nil: answers under way are
// terminated, all connections and sockets are closed (S26).
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		s.close()
	})
	defer func() {
		if !stop() {
			<-closed // so that somebody else can listen there at once
		}
	}()
	if s.options.Listener != nil {
		g.Go(func() error { return s.listen(ctx, g) })
	}
	if s.options.Packets != nil {
		g.Go(func() error { return newResponder(s).run(ctx, g) })
	}
	return g.Wait()
}

func (s *Server) close() {
	for _, c := range []io.Closer{s.options.Listener, s.options.Packets, s.options.Elsewhere} {
		if c != nil {
			c.Close()
		}
	}
}

// listen accepts connections until ctx ends.
func (s *Server) listen(ctx context.Context, g *errgroup.Group) error {
	for {
		conn, err := s.options.Listener.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			closeUnlessNil(conn)
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept a connection: %w", err)
		}
		s.admit(ctx, g, conn)
	}
}

func closeUnlessNil(conn net.Conn) {
	if conn != nil {
		conn.Close()
	}
}

// admit begins to serve a connection, or closes it.
func (s *Server) admit(ctx context.Context, g *errgroup.Group, conn net.Conn) {
	s.stats.accepted.Add(1)
	log := s.options.Log.WithField("requestor", conn.RemoteAddr())
	f := s.armed()
	allowed := s.allowed(conn.RemoteAddr())
	full := s.stats.open.Load() >= int64(s.options.MaxConns)
	switch {
	case f.Refuse:
		reset(conn)
		return
	case f.CloseOnAccept, full, !allowed && !s.options.RefuseWithStatus:
		s.stats.refused.Add(1)
		log.WithField("full", full).Debug("connection refused")
		conn.Close()
		return
	}
	s.stats.open.Add(1)
	g.Go(func() error {
		defer s.stats.open.Add(-1)
		if err := newSession(s, conn, f, allowed).run(ctx); err != nil {
			log.WithError(err).Debug("connection ended")
		}
		return nil
	})
}

// armed returns the faults of the connection just accepted.
func (s *Server) armed() *Faults {
	f := &s.faults.Load().Faults
	if f.none() || f.Over == OverUDP {
		return &Faults{}
	}
	if n := s.stats.faulty.Add(1); f.Times > 0 && n > int64(f.Times) {
		s.stats.faulty.Add(-1)
		return &Faults{}
	}
	return f
}

// allowed reports whether a requestor may ask (S6). Who has no IP address,
// such as a pipe, may.
func (s *Server) allowed(a net.Addr) bool {
	addr, ok := a.(interface{ AddrPort() netip.AddrPort })
	if s.options.Allow == nil || !ok {
		return true
	}
	ip := addr.AddrPort().Addr().Unmap().WithZone("")
	return slices.ContainsFunc(s.options.Allow, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// reset closes a connection so that the peer gets a RST.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
