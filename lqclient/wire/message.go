package wire

import (
	"fmt"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// A Message is a message of a server: what its top level says. All slices
// alias the frame that it was parsed from.
//
// Of an option that may stand only once, the first counts. Options that are
// not known are ignored (R32). Options that would only be good to have, base
// time and sequence number, are ignored and counted if they make no sense.
type Message struct {
	Type MessageType
	ID   TransactionID

	ClientID []byte // the requestor's DUID (R28); nil if absent
	ServerID []byte // the server's DUID; nil if absent

	// Status is the server's answer. Without an option it is Success (R34).
	Status     iana.StatusCode
	HasStatus  bool
	StatusText []byte // the server's words, not to be trusted

	Stamp // of the whole message

	// RelayData is OPTION_LQ_RELAY_DATA at message level, for ParseRelayData:
	// Kea puts it there on UDP. nil if absent.
	RelayData []byte

	HasClientLink bool // the client has leases on several links: ask for each
	ClientDatas   int  // how many OPTION_CLIENT_DATA there are

	options []byte
}

// Parse decodes a message. sequenceOption is the code of the server's
// sequence number option, 0 for none. The error wraps ErrMalformed: the frame
// is shorter than 4 octets, an option is cut off (R33), a DUID has an
// impossible length, a status has no code, or it is a relay message. Any other
// type is for the caller to judge (R50).
func Parse(frame []byte, sequenceOption uint16) (m Message, err error) {
	if len(frame) < minMessage {
		return m, fmt.Errorf("message of %d octets, want %d or more: %w", len(frame), minMessage, ErrMalformed)
	}
	m.Type, m.ID, m.options = MessageType(frame[0]), TransactionID(frame[1:minMessage]), frame[minMessage:]
	if t := dhcpv6.MessageType(m.Type); t == dhcpv6.MessageTypeRelayForward || t == dhcpv6.MessageTypeRelayReply {
		return m, fmt.Errorf("%s: not for a requestor: %w", m.Type, ErrMalformed)
	}
	if err := m.parseOptions(sequenceOption); err != nil {
		return m, fmt.Errorf("%s: %w", m.Type, err)
	}
	return m, nil
}

// parseOptions reads the options at message level, in one pass.
func (m *Message) parseOptions(sequenceOption uint16) error {
	at := 0
	for {
		code, value, next, ok := option(m.options, at)
		if !ok {
			return cutOff(m.options, at)
		}
		if err := m.take(code, value, sequenceOption); err != nil {
			return err
		}
		at = next
	}
}

// take notes one option.
func (m *Message) take(code uint16, value []byte, sequenceOption uint16) error {
	switch code {
	case optClientData:
		m.ClientDatas++
	case optClientID:
		return takeDUID(&m.ClientID, "client-id", value)
	case optServerID:
		return takeDUID(&m.ServerID, "server-id", value)
	case optStatusCode:
		return m.takeStatus(value)
	case optLQRelayData:
		if m.RelayData == nil {
			m.RelayData = value
		}
	case optClientLink:
		m.HasClientLink = true
	default:
		m.Stamp.take(code, value, sequenceOption)
	}
	return nil
}

// NextClientData returns the value of the first OPTION_CLIENT_DATA at or
// behind the offset at, for ParseClientData, and the offset to go on from.
// The first offset is 0; ok is false when there are no more.
func (m *Message) NextClientData(at int) (data []byte, next int, ok bool) {
	return find(m.options, at, optClientData)
}
