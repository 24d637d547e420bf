package lqclient

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// Infinite is a lifetime that never ends.
const Infinite time.Duration = math.MaxInt64

// Answered is one lease of an answer, as the server tells of it. All slices
// are the receiver's to keep.
type Answered struct {
	Client     []byte // DUID
	ServerDUID []byte
	Key        binding.Key

	Received  time.Time
	Age       time.Duration // since the client last dealt with the server, when the message was made
	Preferred time.Duration // left when the message was made; Infinite: for ever
	Valid     time.Duration // likewise; 0: no longer held (R88)
	// Doubtful marks a lease that may have expired long ago: its age is not
	// below its valid lifetime (PEERS.md 2, fact 2).
	Doubtful bool

	Sequence    uint64 // the server's sequence number, only with HasSequence
	HasSequence bool

	// Peer is where the server received the client's message from; invalid if
	// it does not tell. Relays is what the message passed, the relay nearest
	// to the server first. RelayError says why there may be more.
	Peer       netip.Addr
	Relays     []binding.Relay
	RelayError error
}

// A Summary is what is known of an answer as a whole.
type Summary struct {
	ServerDUID []byte // nil if no valid reply came
	Messages   int    // with bindings
	Leases     int
	Took       time.Duration
	Counters   Counters // what was dropped and skipped on the way
}

// Ask asks a server one query over a connection of its own, and calls each for
// every lease of the answer, in order. clientID is our own DUID (R2). The
// error is nil if the query was answered in full, also if with nothing; else
// it is Dial's, Conn.Do's, or each's. The summary holds what there was, in any
// case.
func Ask(ctx context.Context, s Server, clientID []byte, q wire.Query, each func(Answered) error) (Summary, error) {
	return ask(ctx, overTCP(dialTCP, s, clientID, q), s, q, each)
}

// AskFrom returns an Ask that asks over UDP from a local port, 0 for any
// (RFC 5007), with all retransmissions. The error can also be that the server
// did not answer (ErrTimeout), or that the port can't be had (ErrNoPort).
func AskFrom(port uint16) func(context.Context, Server, []byte, wire.Query, func(Answered) error) (Summary, error) {
	return func(ctx context.Context, s Server, clientID []byte, q wire.Query, each func(Answered) error) (Summary, error) {
		return ask(ctx, overUDP(port, s, clientID, q), s, q, each)
	}
}

// A way asks one query on a socket of its own, and closes that.
type way func(context.Context, *notes, sink) (Answer, error)

func overTCP(dial dialFunc, s Server, clientID []byte, q wire.Query) way {
	return func(ctx context.Context, n *notes, to sink) (Answer, error) {
		return askOnce(ctx, dial, s, clientID, q, n, to)
	}
}

func overUDP(port uint16, s Server, clientID []byte, q wire.Query) way {
	return func(ctx context.Context, n *notes, to sink) (Answer, error) {
		return askFromPort(ctx, port, s, clientID, q, n, to)
	}
}

// askFromPort asks over UDP.
func askFromPort(ctx context.Context, port uint16, s Server, clientID []byte, q wire.Query, n *notes, to sink) (answer Answer, err error) {
	from := s.Source
	if !from.IsValid() {
		from = netip.IPv6Unspecified()
	}
	p := NewPort(netip.AddrPortFrom(from, port), nil)
	socket, err := p.listen(p.local)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: listen on UDP %s: %w", ErrNoPort, p.local, explainListen(err))
	}
	var reader errgroup.Group
	reader.Go(func() error { return p.read(ctx, socket) })
	p.open(socket)
	answer, err = newUDPAsker(p, s.withDefaults(), clientID, n).ask(ctx, q, to)
	socket.Close()
	_ = reader.Wait() // that it could no longer read was the end we made
	return answer, err
}

func ask(ctx context.Context, by way, s Server, q wire.Query, each func(Answered) error) (Summary, error) {
	if err := q.Validate(); err != nil {
		return Summary{}, fmt.Errorf("query by %s: %w", q.Type, err)
	}
	began := time.Now()
	n := newNotes(nil)
	a := &asker{each: each}
	a.walker = walker{sequenceOption: s.SequenceOption, notes: n, visitor: a}
	answer, err := by(ctx, n, a)
	if err != nil {
		err = fmt.Errorf("ask %s: %w", s.Address, err)
	}
	return Summary{
		ServerDUID: answer.ServerDUID,
		Messages:   answer.Messages,
		Leases:     a.leases,
		Took:       time.Since(began),
		Counters:   n.counters.snapshot(),
	}, err
}

// askOnce asks over TCP.
func askOnce(ctx context.Context, dial dialFunc, s Server, clientID []byte, q wire.Query, n *notes, to sink) (answer Answer, err error) {
	conn, err := connect(ctx, dial, s, clientID, n)
	if err != nil {
		return Answer{}, err
	}
	var reader errgroup.Group
	reader.Go(func() error { return conn.Run(ctx) })
	answer, err = conn.do(ctx, q, to)
	conn.Close()
	_ = reader.Wait() // the query was told
	return answer, err
}

// An asker is the sink of Ask.
type asker struct {
	walker  walker
	each    func(Answered) error
	leases  int
	subject Answered
}

func (a *asker) take(p Part) error { return a.walker.message(p) }
func (a *asker) flush() error      { return nil }

// client notes what a client data says apart from its leases.
func (a *asker) client(p Part, c *wire.ClientData) {
	a.subject = Answered{
		Client:      bytes.Clone(c.ClientID),
		ServerDUID:  p.ServerDUID,
		Received:    p.Received,
		Age:         a.shift(p, c) + seconds(a.walker.clt),
		Sequence:    c.Sequence,
		HasSequence: c.HasSequence,
	}
	if c.RelayData != nil {
		a.subject.Peer, a.subject.Relays, a.subject.RelayError = wire.ParseRelayData(bytes.Clone(c.RelayData), nil)
	}
}

// lease hands on one lease.
func (a *asker) lease(p Part, c *wire.ClientData, l *wire.Lease) error {
	answered := a.subject
	answered.Key = keyOf(l)
	answered.Preferred = a.left(p, c, l.Preferred)
	answered.Valid = a.left(p, c, l.Valid)
	answered.Doubtful = isDoubtful(l, a.walker.clt)
	a.leases++
	return a.each(answered)
}

// shift is how long before the message was made the lifetimes of its client
// data count from: zero, unless they are as granted.
func (a *asker) shift(p Part, c *wire.ClientData) time.Duration {
	return p.Made(&c.Stamp).Sub(a.walker.made)
}

// left returns what is left of a lifetime on the wire.
func (a *asker) left(p Part, c *wire.ClientData, lifetime uint32) time.Duration {
	if wire.Expiry(time.Time{}, lifetime, a.walker.clt) == binding.Forever {
		return Infinite
	}
	return max(seconds(lifetime)-a.shift(p, c), 0)
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }
