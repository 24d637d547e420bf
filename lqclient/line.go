package lqclient

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"leaseroute/lqclient/wire"
)

// A line is the way to the server during one round: a connection that is made
// when it is first needed, and again if the server closed it between queries.
type line struct {
	connect func(context.Context) (*Conn, error)

	turn    chan struct{} // holds a token while conn is looked at
	conn    *Conn         // nil: not yet made
	readers errgroup.Group
}

func newLine(connect func(context.Context) (*Conn, error)) *line {
	return &line{connect: connect, turn: make(chan struct{}, 1)}
}

// get returns a connection that, so far as is known, can be used.
func (l *line) get(ctx context.Context) (*Conn, error) {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-l.turn }()
	if l.conn != nil && l.conn.cause.Load() == nil {
		return l.conn, nil
	}
	conn, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	l.conn = conn
	l.readers.Go(func() error { return conn.Run(context.WithoutCancel(ctx)) }) // ends with the connection: see close
	return conn, nil
}

// close ends the connection and returns once its goroutines have.
func (l *line) close() {
	if l.conn != nil {
		l.conn.Close()
	}
	_ = l.readers.Wait() // the queries under way were told
}

// ask asks a query. If the connection has served before and ends before the
// first word of this answer, the server may have closed it just then: that is
// normal (R54), and the query is asked once more on a new connection.
func (l *line) ask(ctx context.Context, q wire.Query, s sink) (Answer, error) {
	conn, err := l.get(ctx)
	if err != nil {
		return Answer{}, err
	}
	answer, err := conn.do(ctx, q, s)
	if !mayHaveMissed(conn, answer, err) || ctx.Err() != nil {
		return answer, err
	}
	if conn, err = l.get(ctx); err != nil {
		return Answer{}, err
	}
	return conn.do(ctx, q, s)
}

// mayHaveMissed reports whether a query failed because the server had closed
// a connection that was in order.
func mayHaveMissed(conn *Conn, a Answer, err error) bool {
	ended := errors.Is(err, ErrClosed) || errors.Is(err, ErrIncomplete)
	return ended && a.Messages == 0 && !errors.Is(err, ErrTimeout) && conn.hasServed()
}
