package lqserver

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/insomniacslk/dhcp/iana"
	"golang.org/x/sync/errgroup"
)

// A session is one connection: a goroutine that reads queries and one that
// writes answers.
type session struct {
	server    *Server
	engine    *engine
	stats     *counters
	conn      net.Conn
	faults    *Faults
	plain     bool // no faults: the fast path
	allowed   bool // else every query is NotAllowed (S6)
	sequences sequences

	// slots holds a token for each query that was read or is being read, and
	// is not answered yet (S32).
	slots       chan struct{}
	queries     chan *query   // from the reader, which closes it at the requestor's end
	eof         chan struct{} // closed with queries
	outstanding atomic.Int64  // queries read and not answered yet

	// Of the writer alone:
	out   outlet
	now   time.Time // when the messages in out were made (S12)
	jobs  []*job
	reset bool // end with a RST
}

func newSession(s *Server, conn net.Conn, f *Faults, allowed bool) *session {
	const full = 256 << 10
	return &session{
		server: s, engine: s.engine, stats: &s.stats,
		conn: conn, faults: f, plain: f.none(), allowed: allowed,
		sequences: sequences{code: s.options.SequenceOption, inData: s.options.SequenceInData, last: &s.sequence},
		slots:     make(chan struct{}, s.options.Concurrent),
		queries:   make(chan *query, s.options.Concurrent),
		eof:       make(chan struct{}),
		out: outlet{
			conn: conn, full: full, timeout: s.options.DataTimeout,
			trickle: f.Trickle, pause: f.TricklePause,
		},
	}
}

// run serves the connection and closes it.
func (c *session) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, func() {
		c.conn.SetReadDeadline(time.Unix(1, 0))
		c.conn.SetWriteDeadline(time.Now().Add(grace))
	})
	defer stop()
	g.Go(func() error { return c.read(ctx) })
	g.Go(func() error { return c.write(ctx) })
	if err := g.Wait(); !errors.Is(err, errEnded) && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// release gives a query's slot back.
func (c *session) release() { <-c.slots }

// write answers queries until there are no more, and closes the connection.
// It finishes what is outstanding when the requestor half-closed (S33).
func (c *session) write(ctx context.Context) error {
	defer c.close()
	for {
		if err := c.admit(ctx); err != nil || len(c.jobs) == 0 {
			return err
		}
		if ctx.Err() != nil {
			return c.abort(ctx)
		}
		if err := c.work(ctx); errors.Is(err, context.Canceled) {
			return c.abort(ctx)
		} else if err != nil {
			return err
		}
		if len(c.jobs) == 0 && len(c.queries) == 0 && c.faults.CloseIdle {
			return c.flush(ctx)
		}
	}
}

func (c *session) close() {
	if c.reset {
		reset(c.conn)
		return
	}
	c.conn.Close()
}

// admit takes in queries that were read. It waits only if there is nothing
// else to do, and leaves no job if there will never be.
func (c *session) admit(ctx context.Context) error {
	if len(c.jobs) > 0 {
		select {
		case q, ok := <-c.queries:
			return c.begin(ctx, q, ok)
		default:
			return nil
		}
	}
	if err := c.flush(ctx); err != nil || c.queries == nil {
		return err
	}
	select {
	case q, ok := <-c.queries:
		return c.begin(ctx, q, ok)
	case <-ctx.Done():
		return nil
	}
}

// begin makes a job of a query; ok is false at the requestor's end.
func (c *session) begin(ctx context.Context, q *query, ok bool) error {
	if !ok {
		c.queries = nil
		return nil
	}
	if err := c.server.limiter.Wait(ctx); err != nil {
		return nil // ctx has ended, which the caller sees
	}
	c.stats.queries.add(q.Match.Type)
	c.now = time.Now()
	a := &answer{Status: iana.StatusNotAllowed, Text: "requestor not allowed", engine: c.engine, query: q}
	if c.allowed {
		a = c.engine.answer(q, c.faults, c.now)
	}
	c.jobs = append(c.jobs, newJob(c, q, a))
	return nil
}

// work goes on with each job: by one message if there may be several, so that
// their answers interleave.
func (c *session) work(ctx context.Context) error {
	steps := 1
	if c.server.options.Concurrent == 1 {
		steps = 256
	}
	for i := 0; i < len(c.jobs); {
		more, err := c.jobs[i].run(ctx, steps)
		if err != nil {
			return err
		}
		if more {
			i++
			continue
		}
		if err := c.finished(ctx, c.jobs[i]); err != nil {
			return err
		}
		c.jobs = slices.Delete(c.jobs, i, i+1)
	}
	return nil
}

// finished writes the end of an answer, and only then gives the query's slot
// back.
func (c *session) finished(ctx context.Context, j *job) error {
	if err := c.flush(ctx); err != nil {
		return err
	}
	c.stats.answers.Add(1)
	c.outstanding.Add(-1)
	if !j.freed {
		c.release()
	}
	return nil
}

// run takes up to n steps and reports whether there are more.
func (j *job) run(ctx context.Context, n int) (more bool, err error) {
	for more = true; more && n > 0 && err == nil; n-- {
		more, err = j.step(ctx)
	}
	return more, err
}

// abort ends the connection because the server ends (S26).
func (c *session) abort(ctx context.Context) error {
	if !c.engine.manner.QuietStop {
		for _, j := range c.jobs {
			j.terminate(iana.StatusQueryTerminated)
		}
	}
	return c.flush(ctx)
}

// flush writes what was collected, and looks at the clock for what comes next.
func (c *session) flush(ctx context.Context) error {
	err := c.out.write(ctx)
	c.now = time.Now()
	return err
}
