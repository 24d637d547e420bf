package lqserver

import (
	"context"
	"net"
	"time"
)

// An outlet collects frames and writes them in large pieces, or in the small
// ones of a fault.
type outlet struct {
	conn    net.Conn
	buf     []byte
	full    int           // octets at which buf should be written
	timeout time.Duration // of a write (S22)
	trickle int           // octets at a time; 0: all at once
	pause   time.Duration // between them
}

// grace is how long a connection may take to write its last message once the
// server ends.
const grace = 500 * time.Millisecond

// write writes all that was collected.
func (o *outlet) write(ctx context.Context) error {
	rest := o.buf
	o.buf = o.buf[:0]
	for len(rest) > 0 {
		piece := rest
		if o.trickle > 0 {
			piece = rest[:min(o.trickle, len(rest))]
		}
		o.setDeadline(ctx)
		if _, err := o.conn.Write(piece); err != nil {
			return err
		}
		if rest = rest[len(piece):]; o.pause > 0 && len(rest) > 0 {
			sleep(ctx, o.pause)
		}
	}
	return nil
}

// setDeadline bounds the next write. The context's end, which sets a nearer
// deadline, may come at the same moment: hence the second look.
func (o *outlet) setDeadline(ctx context.Context) {
	o.conn.SetWriteDeadline(time.Now().Add(o.timeout))
	if ctx.Err() != nil {
		o.conn.SetWriteDeadline(time.Now().Add(grace))
	}
}

// sleep lets d pass, or less of it if ctx ends: no message is left half
// written.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
