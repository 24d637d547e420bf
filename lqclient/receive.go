package lqclient

import (
	"bytes"
	"fmt"
	"time"

	"github.com/insomniacslk/dhcp/iana"
	"github.com/sirupsen/logrus"

	"leaseroute/lqclient/wire"
)

// handle takes one message through the table of PROTOCOL.md 3.8. An error is
// the reason to close the connection.
func (c *Conn) handle(frame []byte, received time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages++
	count(&c.notes.counters.Messages)
	c.notes.hear(received)
	if err := c.judge(frame, received); err != nil || c.reader.Ready() {
		return err
	}
	return c.flush()
}

// judge drops what makes no sense, closes on what is illegal (R50), and passes
// the rest on.
func (c *Conn) judge(frame []byte, received time.Time) (err error) {
	c.message, err = wire.Parse(frame, c.server.SequenceOption)
	switch {
	case !legal(c.message.Type):
		return c.violation(&c.notes.counters.IllegalTypes, "RFC 5460, section 4",
			fmt.Sprintf("message of type %d (%s)", uint8(c.message.Type), c.message.Type))
	case err != nil: // R33
		c.notes.odd(&c.notes.counters.MalformedMessages, "malformed message dropped", logrus.Fields{"error": err})
		return nil
	}
	return c.dispatch(Part{Message: &c.message, Received: received, clock: c.clock})
}

// legal reports whether a message of this type may be on the connection.
// LEASEQUERY may, even if it is of no use to a requestor (R18).
func legal(t wire.MessageType) bool {
	switch t {
	case wire.LeaseQuery, wire.LeaseQueryReply, wire.LeaseQueryData, wire.LeaseQueryDone:
		return true
	}
	return false
}

// flush lets the sinks hand on what they gathered.
func (c *Conn) flush() error {
	for _, x := range c.pending {
		if err := x.sink.flush(); err != nil {
			return err
		}
	}
	return nil
}

// dispatch finds the exchange that a message belongs to.
func (c *Conn) dispatch(p Part) error {
	if p.Type == wire.LeaseQuery { // R18
		c.notes.odd(&c.notes.counters.QueriesReceived, "query from a server dropped", nil)
		return nil
	}
	x := c.pending[p.ID]
	switch {
	case x == nil && p.Type == wire.LeaseQueryDone:
		return c.violation(&c.notes.counters.UnknownDones, "RFC 5460, section 6.3", "DONE for no outstanding query")
	case x == nil: // R29
		c.stray(p)
		c.notes.odd(&c.notes.counters.UnknownTransaction, "message for no outstanding query dropped", nil)
		return nil
	case p.Type == wire.LeaseQueryReply:
		return c.reply(x, p)
	case p.Type == wire.LeaseQueryData:
		return c.data(x, p)
	default:
		return c.done(x, p)
	}
}

// stray notes bindings that came for nobody's query: they may be those of a
// query that is under way, whose answer then proves no absence.
func (c *Conn) stray(p Part) {
	if p.ClientDatas == 0 {
		return
	}
	for _, x := range c.pending {
		x.strays++
	}
}

// reply handles LEASEQUERY-REPLY.
func (c *Conn) reply(x *exchange, p Part) error {
	if x.streaming {
		return c.violation(&c.notes.counters.SecondReplies, "RFC 5460, section 5.2", "a second REPLY for one query")
	}
	if !c.valid(p) {
		return nil
	}
	c.heard(x)
	x.answer.ServerDUID = bytes.Clone(p.ServerID)
	if err := c.rightServer(p.ServerID); err != nil {
		c.complete(x, err)
		return err
	}
	if p.HasClientLink { // R58
		c.notes.odd(&c.notes.counters.ClientLinks, "client link in a reply on TCP ignored", nil)
	}
	switch {
	case p.Status != iana.StatusSuccess:
		if p.ClientDatas > 0 {
			count(&c.notes.counters.ContradictoryReplies)
		}
		c.complete(x, statusError(p.Message))
		return nil
	case p.ClientDatas == 0: // R56: no DONE will come
		c.complete(x, nil)
		return nil
	}
	x.streaming = true
	return c.deliver(x, p)
}

// valid checks a reply by R27 and R28. One that fails is dropped, and the
// query's time goes on running out.
func (c *Conn) valid(p Part) bool {
	switch {
	case p.ServerID == nil:
		c.notes.odd(&c.notes.counters.NoServerID, "reply without server-id dropped", nil)
	case !c.isOurs(p.ClientID):
		c.notes.odd(&c.notes.counters.WrongClientID, "reply without our client-id dropped", nil)
	default:
		return true
	}
	return false
}

// rightServer holds the server's DUID against the configured one.
func (c *Conn) rightServer(duid []byte) error {
	if c.server.DUID == nil || bytes.Equal(duid, c.server.DUID) {
		return nil
	}
	count(&c.notes.counters.WrongServer)
	return &DUIDError{Got: bytes.Clone(duid), Want: c.server.DUID}
}

// data handles LEASEQUERY-DATA.
func (c *Conn) data(x *exchange, p Part) error {
	if !x.streaming {
		return c.violation(&c.notes.counters.DataBeforeReply, "RFC 5460, section 6.3", "DATA before the REPLY of its query")
	}
	c.heard(x)
	if p.ClientDatas == 0 {
		c.notes.odd(&c.notes.counters.EmptyData, "data without client data dropped", nil)
		return nil
	}
	if p.Status != iana.StatusSuccess {
		c.notes.odd(&c.notes.counters.StatusInData, "status in data ignored", logrus.Fields{"error": statusError(p.Message)})
	}
	return c.deliver(x, p)
}

// done handles LEASEQUERY-DONE.
func (c *Conn) done(x *exchange, p Part) error {
	switch {
	case p.Status != iana.StatusSuccess && x.streaming:
		c.cutShort(x, statusError(p.Message))
	case p.Status != iana.StatusSuccess:
		c.complete(x, statusError(p.Message))
	case x.streaming && x.strays > 0:
		c.cutShort(x, fmt.Errorf("%w: %d", errStrays, x.strays))
	case x.streaming:
		c.complete(x, nil)
	default:
		return c.violation(&c.notes.counters.DoneBeforeReply, "RFC 5460, section 6.3.1", "DONE before the REPLY of its query")
	}
	return nil
}

// deliver hands a message with bindings to whoever asked. An error of theirs
// ends their query as it is, and the connection.
func (c *Conn) deliver(x *exchange, p Part) error {
	p.ServerDUID = x.answer.ServerDUID
	x.answer.Messages++
	err := x.sink.take(p)
	if err != nil {
		c.complete(x, err)
	}
	return err
}

// complete ends a query: err is nil if it was answered in full. What its sink
// gathered is handed on first (R55). The caller holds mu.
func (c *Conn) complete(x *exchange, err error) {
	if flushed := x.sink.flush(); err == nil {
		err = flushed
	}
	if err == nil {
		c.served++
	}
	delete(c.pending, x.id)
	x.err = err
	close(x.done)
}

// cutShort is complete for an answer of which the rest is missing, and why.
func (c *Conn) cutShort(x *exchange, why error) {
	c.complete(x, fmt.Errorf("%w after %d messages: %w", ErrIncomplete, x.answer.Messages, why))
}

// maxStatusText bounds how much of a server's words ends up in a log line.
const maxStatusText = 256

// statusError makes an error of a message's status.
func statusError(m *wire.Message) *StatusError {
	return &StatusError{Code: m.Status, Message: string(m.StatusText[:min(len(m.StatusText), maxStatusText)])}
}
