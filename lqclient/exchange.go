package lqclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/insomniacslk/dhcp/iana"
	"github.com/sirupsen/logrus"

	"leaseroute/lqclient/wire"
)

// A Part is one message of an answer. It and all it points to are valid only
// until the callback that it is handed to returns.
type Part struct {
	*wire.Message
	Received   time.Time // when it left the socket (R72)
	ServerDUID []byte    // from the answer's REPLY (R30)

	clock *wire.Clock
}

// Made returns when a part of the message was made (R72), Received at the latest.
func (p Part) Made(s *wire.Stamp) time.Time { return p.clock.Made(p.Received, s) }

// An Answer is what is known of a query's answer as a whole.
type Answer struct {
	ServerDUID []byte    // nil if no valid reply came
	Messages   int       // how many messages with bindings were delivered
	Sent       time.Time // when the query was sent
}

// A sink takes an answer. Both methods are called from Run's goroutine, while
// no other message is handled; an error ends the connection.
type sink interface {
	take(Part) error // a message with at least one OPTION_CLIENT_DATA
	flush() error    // nothing more is at hand: the next step may be to wait
}

// deliverFunc makes a sink of a callback.
type deliverFunc func(Part) error

func (f deliverFunc) take(p Part) error { return f(p) }
func (f deliverFunc) flush() error      { return nil }

// An exchange is one query and its answer: a machine of PROTOCOL.md 3.8.
type exchange struct {
	id    wire.TransactionID
	query []byte // the message as sent
	sink  sink

	streaming bool // state STREAM; else WAIT
	strays    int  // messages with bindings for nobody's query that came meanwhile
	answer    Answer
	progress  atomic.Int64 // the meter's clock when something last came for it (R49)

	done chan struct{} // closed when the query has ended; err is set then
	err  error
}

// Do asks a query and hands each message of the answer that holds bindings to
// deliver, in order, from Run's goroutine: while deliver blocks, nothing is
// received. It returns once the query is over: nil if it was answered in full
// (R56), also with nothing. Of an incomplete answer all that came has been
// delivered. While Server.Concurrent others are under way it waits its turn.
//
// If ctx ends, or deliver returns an error, the connection ends too, since the
// rest of the answer would still come.
func (c *Conn) Do(ctx context.Context, q wire.Query, deliver func(Part) error) (Answer, error) {
	return c.do(ctx, q, deliverFunc(deliver))
}

func (c *Conn) do(ctx context.Context, q wire.Query, s sink) (Answer, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	case <-c.ended:
		return Answer{}, c.tooLate()
	}
	defer func() { <-c.slots }()
	x, err := c.register(q, s)
	if err != nil {
		return Answer{}, err
	}
	stop := context.AfterFunc(ctx, func() { c.end(ctx.Err()) })
	defer stop()
	c.write(x)
	c.await(x)
	c.account(x)
	return x.answer, x.err
}

// register builds the query under a transaction-id that no other outstanding
// query has (R1, C71).
func (c *Conn) register(q wire.Query, s sink) (*exchange, error) {
	c.mu.Lock()
	if c.cause.Load() != nil {
		c.mu.Unlock()
		<-c.ended
		return nil, c.tooLate()
	}
	defer c.mu.Unlock()
	id := wire.NewTransactionID()
	for c.pending[id] != nil {
		id = wire.NewTransactionID()
	}
	query, err := q.Append(nil, id, c.clientID, nil)
	if err != nil {
		return nil, err
	}
	x := &exchange{id: id, query: query, sink: s, done: make(chan struct{})}
	x.answer.Sent = time.Now()
	c.progress(x)
	c.pending[id] = x
	count(&c.notes.counters.Queries)
	return x, nil
}

// tooLate is what a query on an ended connection is told.
func (c *Conn) tooLate() error {
	if errors.Is(c.final, ErrClosed) || errors.Is(c.final, ErrRefused) {
		return c.final
	}
	return fmt.Errorf("%w: %w", ErrClosed, c.final)
}

// write sends the query. A failure ends the connection, and with it x.
func (c *Conn) write(x *exchange) {
	select {
	case c.writing <- struct{}{}:
	case <-x.done:
		return
	}
	defer func() { <-c.writing }()
	frame, err := wire.AppendFrame(nil, x.query)
	if err != nil {
		panic(err) // a query of ours is never too long for a frame
	}
	_ = c.socket.SetWriteDeadline(time.Now().Add(c.server.DataTimeout)) // on a closed socket: Write will tell
	_, err = c.socket.Write(frame)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		count(&c.notes.counters.WriteTimeouts)
		c.end(fmt.Errorf("write query: %w: the server took no data for %s", ErrTimeout, c.server.DataTimeout))
	case err != nil:
		c.end(&goneError{err})
	}
	c.progress(x)
}

// account counts how the query ended.
func (c *Conn) account(x *exchange) {
	counters := &c.notes.counters
	var status *StatusError
	switch {
	case x.err == nil:
		count(&counters.Completed)
		if x.answer.Messages == 0 {
			count(&counters.EmptyAnswers)
		}
	case errors.As(x.err, &status):
		count(statusCounter(counters, status.Code))
		if status.Code == iana.StatusMalformedQuery { // 3.6: the fault is ours
			c.notes.log.WithFields(logrus.Fields{"query": fmt.Sprintf("%x", x.query), "error": status}).
				Error("server calls our query malformed")
		}
	}
}

// statusCounter returns the counter of an error status (table 3.6).
func statusCounter(c *Counters, code iana.StatusCode) *uint64 {
	switch code {
	case iana.StatusUnspecFail:
		return &c.UnspecFail
	case iana.StatusUnknownQueryType:
		return &c.UnknownQueryType
	case iana.StatusMalformedQuery:
		return &c.MalformedQuery
	case iana.StatusNotConfigured:
		return &c.NotConfigured
	case iana.StatusNotAllowed:
		return &c.NotAllowed
	case iana.StatusQueryTerminated:
		return &c.QueryTerminated
	default:
		return &c.OtherStatus
	}
}

// isOurs reports whether a reply carries our own DUID (R28).
func (c *Conn) isOurs(clientID []byte) bool { return bytes.Equal(clientID, c.clientID) }
