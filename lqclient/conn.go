package lqclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"leaseroute/lqclient/wire"
)

// A Conn is one TCP connection to a server (RFC 5460). Run must be running
// while Do is used, from as many goroutines as one likes. After the first
// error the connection is of no use any more; Close, or the end of Run's
// context, ends it.
type Conn struct {
	server   Server
	clientID []byte
	notes    *notes
	socket   net.Conn
	quickAck func()
	meter    meter

	slots   chan struct{} // holds a token for each query outstanding (R51)
	writing chan struct{} // holds a token while a query is being written

	cause atomic.Pointer[error] // why the connection ends, the first one told; nil: it does not
	ended chan struct{}         // closed once Run is over; final is set then
	final error                 // what a later Do is told

	reader  *wire.Reader // from here on: Run's goroutine only
	clock   *wire.Clock
	message wire.Message

	mu       sync.Mutex // held while a message is handled and delivered
	pending  map[wire.TransactionID]*exchange
	messages uint64 // received, whatever they were
	served   uint64 // queries answered in full
}

// newConn wraps a socket. It starts nothing.
func newConn(socket net.Conn, s Server, clientID []byte, n *notes) *Conn {
	c := &Conn{
		server:   s,
		clientID: clientID,
		notes:    n,
		socket:   socket,
		quickAck: newQuickAck(socket),
		slots:    make(chan struct{}, s.Concurrent),
		writing:  make(chan struct{}, 1),
		ended:    make(chan struct{}),
		clock:    wire.NewClock(time.Now()),
		pending:  make(map[wire.TransactionID]*exchange),
	}
	c.reader = wire.NewReader(meteredReader{c}, time.Now)
	return c
}

// Run receives until the connection ends, and delivers what the queries under
// way asked for. It returns nil if the end was in order: by Close, by ctx, or
// by the server with nothing outstanding (R54). It is called once.
func (c *Conn) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { c.end(ctx.Err()) })
	defer stop()
	c.end(c.receive())
	err := c.finish()
	if errors.Is(err, ErrClosed) || ctx.Err() != nil {
		return nil
	}
	return err
}

// Close ends the connection, fully: a half-close makes a common server cut
// its answer short (R53). Queries under way end as incomplete.
func (c *Conn) Close() { c.end(errClosedByUs) }

var errClosedByUs = fmt.Errorf("%w: closed on our side", ErrClosed)

// end makes the connection end for the reason given, unless it has one.
func (c *Conn) end(cause error) {
	if c.cause.CompareAndSwap(nil, &cause) {
		_ = c.socket.Close() // there is nothing that a failure could change
	}
}

// receive handles messages until the stream ends or must end.
func (c *Conn) receive() error {
	for {
		frame, received, err := c.reader.Next()
		switch {
		case errors.Is(err, wire.ErrMalformed):
			return c.violation(&c.notes.counters.FramingErrors, "RFC 5460, section 5.1", err.Error())
		case err != nil:
			return &goneError{err}
		}
		if err := c.handle(frame, received); err != nil {
			return err
		}
	}
}

// finish ends what is still outstanding and says how the connection ended.
func (c *Conn) finish() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.final = c.verdict(*c.cause.Load())
	for _, x := range c.pending {
		if errors.Is(c.final, ErrRefused) {
			c.complete(x, c.final) // there was no answer
		} else {
			c.cutShort(x, c.final)
		}
	}
	close(c.ended)
	return c.final
}

// verdict tells by what was going on what it means that the server is gone.
func (c *Conn) verdict(cause error) error {
	var gone *goneError
	counters := &c.notes.counters
	switch {
	case !errors.As(cause, &gone):
		return cause
	case c.messages == 0:
		count(&counters.Refusals)
		return fmt.Errorf("%w (%w)", ErrRefused, cause)
	case len(c.pending) == 0:
		count(&counters.IdleCloses)
		return fmt.Errorf("%w between queries: %w", ErrClosed, cause)
	default:
		atomic.AddUint64(&counters.BrokenAnswers, uint64(len(c.pending)))
		return cause
	}
}

// violation counts what the server did wrong and returns it as the reason to
// close the connection.
func (c *Conn) violation(counter *uint64, rule, what string) error {
	count(counter)
	return &ProtocolError{Rule: rule, What: what}
}

// hasServed reports whether a query was answered in full on the connection.
func (c *Conn) hasServed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served > 0
}

// A goneError is the end of the stream as the socket told it.
type goneError struct{ err error }

func (e *goneError) Error() string { return "the server closed the connection: " + e.err.Error() }
func (e *goneError) Unwrap() error { return e.err }

// A meteredReader reads a connection's socket and lets the meter run meanwhile.
type meteredReader struct{ c *Conn }

func (r meteredReader) Read(p []byte) (int, error) {
	r.c.meter.begin()
	n, err := r.c.socket.Read(p)
	r.c.meter.end()
	r.c.quickAck()
	return n, err
}
