package lqserver

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// errProtocol reports a requestor that must be got rid of.
var errProtocol = errors.New("protocol error")

// read takes in queries, no more than can be worked on (S32). It returns nil
// at the requestor's end, and an error if the connection should be closed.
func (c *session) read(ctx context.Context) error {
	queries := c.queries // the writer forgets its own reference
	defer close(queries)
	defer close(c.eof)
	in := bufio.NewReader(c.conn)
	for {
		select {
		case c.slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		b, err := c.readFrame(ctx, in)
		if err != nil || b == nil {
			return err
		}
		q, err := c.accept(b)
		if err != nil {
			return err
		}
		if c.faults.DropPipelined && in.Buffered() > 0 {
			c.stats.dropped.Add(1)
			in.Discard(in.Buffered())
		}
		if q == nil {
			c.stats.dropped.Add(1)
			c.release()
			continue
		}
		c.outstanding.Add(1)
		queries <- q // never blocks: it has room for all slots
	}
}

// accept reads a message. nil is a message that gets no answer (S1, S2).
func (c *session) accept(b []byte) (*query, error) {
	switch dhcpv6.MessageType(b[0]) {
	case dhcpv6.MessageTypeLeaseQuery:
	case dhcpv6.MessageTypeLeaseQueryReply:
		return nil, nil
	default:
		return nil, fmt.Errorf("message of type %d: %w", b[0], errProtocol) // S34
	}
	q, err := parseQuery(b, c.server.options.DUID)
	if err != nil && !c.engine.manner.CloseOnInvalid {
		c.server.options.Log.WithError(err).Debug("query dropped")
		return nil, nil
	}
	return q, err
}

// readFrame returns one message without its framing, nil at the requestor's
// end or the server's.
func (c *session) readFrame(ctx context.Context, in *bufio.Reader) ([]byte, error) {
	if err := c.awaitFrame(ctx, in); err != nil {
		return nil, endOf(ctx, err)
	}
	var size [2]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return nil, endOf(ctx, err)
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if len(b) < 4 {
		return nil, fmt.Errorf("message-size %d: %w", len(b), errProtocol)
	}
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, endOf(ctx, err)
	}
	return b, nil
}

// awaitFrame waits for the first octet of a frame. A connection may be idle
// for Options.DataTimeout, the time of answering not counted (S22).
func (c *session) awaitFrame(ctx context.Context, in *bufio.Reader) error {
	for {
		c.conn.SetReadDeadline(time.Now().Add(c.server.options.DataTimeout))
		if ctx.Err() != nil {
			return io.EOF
		}
		_, err := in.Peek(1)
		answering := c.outstanding.Load() > 0
		if !errors.Is(err, os.ErrDeadlineExceeded) || !answering || ctx.Err() != nil {
			return err
		}
	}
}

// endOf turns the error of a read into nil where it is a regular end.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("read a query: %w", err)
}
