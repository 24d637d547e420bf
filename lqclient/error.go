package lqclient

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/insomniacslk/dhcp/iana"
)

// What ends a connection or a query. The errors that Dial, Conn.Do and Ask
// return wrap one of these, are a *StatusError, *DUIDError or *ProtocolError,
// or are the caller's own: its context's, or its callback's.
var (
	// ErrRefused reports a connection that the server accepted and closed
	// without a word: how servers turn a requestor away (PEERS.md 2, fact 12).
	ErrRefused = errors.New("the server closed the connection before any answer: " +
		"our address is not among those that it lets ask, or it has reached its limit of connections; " +
		"see the server's list of requesters, and the key source of this server")

	// ErrIncomplete reports an answer that ended too early (R55). What came
	// before is good; what is missing from it proves nothing (R60).
	ErrIncomplete = errors.New("the answer is incomplete")

	// ErrTimeout reports a server that took too long (R46 to R49).
	ErrTimeout = errors.New("timed out")

	// ErrClosed reports a query on a connection that has ended: it was not
	// asked. With a server that closes between queries this is normal (R54).
	ErrClosed = errors.New("the connection has ended")
)

// errStrays says why an answer that ended in order is not complete.
var errStrays = errors.New("the server also sent messages with bindings for no query of ours")

// A StatusError is a status that is not Success (RFC 5007, section 4.1.3).
type StatusError struct {
	Code    iana.StatusCode
	Message string // the server's words: log them, never branch on them
}

// Error names the status and quotes the server.
func (e *StatusError) Error() string {
	return fmt.Sprintf("server says %s (%d): %q", e.Code, uint16(e.Code), e.Message)
}

// A DUIDError is an answer from another server than the configured one.
type DUIDError struct {
	Got, Want []byte
}

// Error names both DUIDs.
func (e *DUIDError) Error() string {
	return fmt.Sprintf("the server's DUID is %s, but the configuration says %s: "+
		"another server answers at this address, or the key duid of this server is out of date",
		hex.EncodeToString(e.Got), hex.EncodeToString(e.Want))
}

// A ProtocolError is something a server must not send: the connection is
// closed, since its two ends no longer agree on what is being said.
type ProtocolError struct {
	Rule string // of PROTOCOL.md or an RFC
	What string // was received
}

// Error says what was received and which rule forbids it.
func (e *ProtocolError) Error() string {
	return fmt.Sprintf("protocol error: %s (%s); the connection was closed", e.What, e.Rule)
}
