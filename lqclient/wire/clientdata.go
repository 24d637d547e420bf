package wire

import (
	"encoding/binary"
	"fmt"
)

// A ClientData is OPTION_CLIENT_DATA: what the server says of one client
// (RFC 5007, section 4.1.2.2). It need not hold all leases of the client: Kea
// sends one for each lease (R59). All slices alias the option.
type ClientData struct {
	ClientID []byte // the client's DUID; nil if absent (R36)

	// CLT is the client-last-transaction-time: how many seconds ago the
	// server dealt with the client on this link. Without it the rest is to
	// be skipped (R35).
	CLT    uint32
	HasCLT bool

	Stamp // its own; Inherit fills it in from the message

	// RelayData is OPTION_LQ_RELAY_DATA, for ParseRelayData; nil if absent.
	RelayData []byte

	options []byte
}

// ParseClientData decodes the value of an OPTION_CLIENT_DATA. The error wraps
// ErrMalformed and is about this one only: an option in it is cut off (R33),
// the DUID has an impossible length, or CLT_TIME is not four octets long.
// Leases and relay data are not looked into.
func ParseClientData(value []byte, sequenceOption uint16) (c ClientData, err error) {
	c.options = value
	if err := c.parseOptions(sequenceOption); err != nil {
		return c, fmt.Errorf("client data: %w", err)
	}
	return c, nil
}

// parseOptions reads the options, in one pass.
func (c *ClientData) parseOptions(sequenceOption uint16) error {
	at := 0
	for {
		code, value, next, ok := option(c.options, at)
		if !ok {
			return cutOff(c.options, at)
		}
		if err := c.take(code, value, sequenceOption); err != nil {
			return err
		}
		at = next
	}
}

// take notes one option; of several that may stand only once the first.
func (c *ClientData) take(code uint16, value []byte, sequenceOption uint16) error {
	switch code {
	case optIAPrefix, optIAAddr: // for NextLease
	case optClientID:
		return takeDUID(&c.ClientID, "client-id", value)
	case optCLTTime:
		return c.takeCLT(value)
	case optLQRelayData:
		if c.RelayData == nil {
			c.RelayData = value
		}
	default:
		c.Stamp.take(code, value, sequenceOption)
	}
	return nil
}

// takeCLT notes the first OPTION_CLT_TIME (RFC 5007, section 4.1.2.3). Zero is
// fine: Kea sends it, although the RFC calls the value positive.
func (c *ClientData) takeCLT(value []byte) error {
	const size = 4
	if len(value) != size {
		return fmt.Errorf("CLT time of %d octets, want %d: %w", len(value), size, ErrMalformed)
	}
	if !c.HasCLT {
		c.CLT, c.HasCLT = binary.BigEndian.Uint32(value), true
	}
	return nil
}

// Inherit takes over from the message what c lacks: base time, sequence
// number, and the relay data (C13), this only if c is the message's sole
// client data, since else nobody knows whose it is.
func (c *ClientData) Inherit(m *Message) {
	c.Stamp.inherit(&m.Stamp)
	if c.RelayData == nil && m.ClientDatas == 1 {
		c.RelayData = m.RelayData
	}
}
