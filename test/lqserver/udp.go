package lqserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"golang.org/x/sync/errgroup"
)

// A responder answers queries over UDP, each by one REPLY at most. One
// goroutine receives and answers; each answer that a fault keeps back waits in
// a goroutine of its own.
type responder struct {
	server   *Server
	conn     *socket
	stats    *datagramCounters
	late     chan struct{} // a token for each answer that is kept back
	bindings int           // CLIENT_DATA so far, for Faults.Every
}

// maxLate bounds the answers that are kept back; more are dropped.
const maxLate = 4096

func newResponder(s *Server) *responder {
	return &responder{server: s, conn: newSocket(s.options.Packets), stats: &s.stats.udp, late: make(chan struct{}, maxLate)}
}

// run answers until ctx ends.
func (r *responder) run(ctx context.Context, g *errgroup.Group) error {
	b := make([]byte, maxMessage)
	for {
		n, from, to, err := r.conn.receive(b)
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("receive a query: %w", err)
		}
		r.stats.received.Add(1)
		r.server.census.arrived(time.Now())
		if addr, ok := from.(*net.UDPAddr); !ok || !r.receive(ctx, g, inquiry{octets: b[:n], from: addr, to: to}) {
			r.stats.dropped.Add(1)
		}
	}
}

// An inquiry is a datagram that may be a query.
type inquiry struct {
	octets []byte // only until the next datagram is received
	from   *net.UDPAddr
	to     net.IP // as socket.receive says it
}

// transaction returns what the inquiry belongs to.
func (in *inquiry) transaction() transaction {
	return transaction{from: in.from.AddrPort(), id: [3]byte(in.octets[1:4])}
}

// receive takes in a datagram, and reports whether there will be an answer.
func (r *responder) receive(ctx context.Context, g *errgroup.Group, in inquiry) bool {
	// Any other message is dropped: a REPLY (S2), a relayed query (S13).
	if len(in.octets) < 4 || dhcpv6.MessageType(in.octets[0]) != dhcpv6.MessageTypeLeaseQuery {
		return false
	}
	now := time.Now()
	f, lost := r.struck(r.server.census.saw(in.transaction(), now), now)
	if lost {
		return false
	}
	q, err := r.accept(&in)
	if err != nil {
		r.server.options.Log.WithField("requestor", in.from).WithError(err).Debug("query dropped")
		return false
	}
	r.stats.queries.add(q.Match.Type)
	return r.post(ctx, g, f, &in, r.answer(q, f, r.server.allowed(in.from), now))
}

// struck returns the faults that strike a transmission, and whether it is lost
// by them.
func (r *responder) struck(s sighting, now time.Time) (*Faults, bool) {
	set := r.server.faults.Load()
	u := &set.UDP
	if !set.any || set.Over == OverTCP ||
		u.Strikes > 0 && s.transmission > u.Strikes ||
		set.Times > 0 && s.number > set.begun+uint64(set.Times) {
		return &Faults{}, false
	}
	r.stats.faulty.Add(1)
	set.queries++
	lost := u.Dead || s.transmission <= u.LoseFirst ||
		u.LoseEvery > 0 && set.queries%u.LoseEvery == 0 ||
		u.Flap > 0 && now.Sub(set.since)/u.Flap%2 == 0
	return &set.Faults, lost
}

// accept reads a query. The error says why it gets no answer: S1, S6 or S14.
func (r *responder) accept(in *inquiry) (*query, error) {
	o := &r.server.options
	q, err := parseQuery(in.octets, o.DUID)
	switch {
	case err != nil:
		return nil, err
	case q.Addressed && o.Manner.DropAddressed:
		return nil, fmt.Errorf("a SERVERID: %w", errDropped)
	case !o.RefuseWithStatus && !r.server.allowed(in.from):
		return nil, fmt.Errorf("requestor not allowed: %w", errDropped)
	case !r.server.limiter.Allow():
		return nil, fmt.Errorf("too many queries: %w", errDropped)
	}
	return q, nil
}

// answer makes the REPLY (S4).
func (r *responder) answer(q *query, f *Faults, allowed bool, now time.Time) []byte {
	e := r.server.engine
	found := finding{answer: &answer{Status: iana.StatusNotAllowed, Text: "requestor not allowed", engine: e, query: q}}
	if allowed {
		found = e.find(q, f, now)
	}
	f.UDP.relink(&found, now)
	m := message{
		kind: Replies, id: q.ID, identity: r.server.identity(q, f), dataAhead: e.manner.DataAhead,
		status: found.Status, text: found.Text, leases: found.leases, links: found.links,
	}
	if m.status == iana.StatusSuccess && e.manner.ExplicitStatus {
		m.text = found.success(m.leases != nil || m.links != nil)
	}
	numbers := sequences{code: r.server.options.SequenceOption, last: &r.server.sequence}
	s := found.style()
	if len(m.leases) > 0 {
		r.bindings++
		r.stats.bindings.Add(uint64(len(m.leases)))
		if f.Every <= 1 || r.bindings%f.Every == 0 {
			m.others = f.others(m.leases, now)
			s = *f.style(s)
		}
		m.sequence = numbers.append(nil, m.leases[0].Sequence, f)
	} else {
		m.sequence = numbers.append(nil, 0, f)
	}
	s.relaysOutside = e.manner.RelayDataOutside
	if f.WrongID&Replies != 0 {
		m.id[0] ^= 0xff
	}
	return f.UDP.Instead.of(m.append(nil, now, &s))
}

// post sends an answer, at once or when the faults let it go, and reports
// whether it will.
func (r *responder) post(ctx context.Context, g *errgroup.Group, f *Faults, in *inquiry, b []byte) bool {
	held := f.Hold != nil && f.Hold.after == 0
	if f.UDP.Delay == 0 && !held {
		return r.send(&f.UDP, in, in.transaction(), b)
	}
	select {
	case r.late <- struct{}{}:
	default:
		return false
	}
	t := in.transaction()
	g.Go(func() error {
		defer func() { <-r.late }()
		sleep(ctx, f.UDP.Delay)
		if held {
			f.Hold.wait(ctx)
		}
		if ctx.Err() == nil && !r.send(&f.UDP, in, t, b) {
			r.stats.dropped.Add(1)
		}
		return nil
	})
	return true
}

// send writes an answer, and reports whether it could.
func (r *responder) send(f *DatagramFaults, in *inquiry, t transaction, b []byte) bool {
	conn, from, to := r.conn, in.to, *in.from
	if f.Elsewhere {
		if r.server.options.Elsewhere == nil {
			return false
		}
		conn, from = &socket{PacketConn: r.server.options.Elsewhere}, nil
	}
	if f.ClientPort || r.server.engine.manner.ClientPort {
		to.Port = dhcpv6.DefaultClientPort // S15
	}
	// Both before the requestor can have the answer, and ask the next.
	r.server.census.answered(t)
	r.stats.answered.Add(1)
	for range max(f.Copies, 1) {
		if err := conn.send(b, from, &to); err != nil {
			r.server.options.Log.WithField("requestor", in.from).WithError(err).Debug("answer lost")
			r.stats.answered.Add(^uint64(0))
			return false
		}
	}
	return true
}
