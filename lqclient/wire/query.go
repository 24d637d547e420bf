package wire

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// A Query is one question to a server: OPTION_LQ_QUERY (RFC 5007, section
// 4.1.2.1; RFC 5460, section 4). Type says which one of Address, ClientID,
// RelayID and RemoteID is set; for ByLinkAddress it is none.
type Query struct {
	Type QueryType

	// Link limits the question to one link. It is "::" (or the zero Addr, or
	// a global address. By address, it matters only for a link-local one.
	Link netip.Addr

	Address  netip.Addr
	ClientID []byte // the subscriber's DUID, 3 to 130 octets
	RelayID  []byte // the relay agent's DUID, 3 to 130 octets
	RemoteID []byte // enterprise number and opaque value, 5 octets or more

	// Options are the options wanted for each client, which a server may
	// ignore. nil asks for OptionRelayData and OptionBaseTime, as R6 wants it
	// on TCP; an empty list asks for nothing.
	Options []uint16
}

// Append appends the query as one LEASEQUERY message, without a frame.
// clientID is the requestor's own DUID (R2); serverID may be nil, and if not,
// any other server drops the message (R5). The error is Validate's, or tells
// of a DUID that is none or a message of more than 65535 octets.
func (q Query) Append(b []byte, id TransactionID, clientID, serverID []byte) ([]byte, error) {
	if err := q.validate(clientID, serverID); err != nil {
		return b, fmt.Errorf("build query by %s: %w", q.Type, err)
	}
	message := dhcpv6.Message{MessageType: dhcpv6.MessageTypeLeaseQuery, TransactionID: dhcpv6.TransactionID(id)}
	message.AddOption(opaque(optClientID, clientID))
	if serverID != nil {
		message.AddOption(opaque(optServerID, serverID))
	}
	message.AddOption(opaque(optLQQuery, q.value()))
	if slices.Contains(q.wanted(), OptionBaseTime) { // at both levels: RFC 7653, section 9.3, names none
		message.AddOption(dhcpv6.OptRequestedOption(dhcpv6.OptionLQBaseTime))
	}
	encoded := message.ToBytes()
	if len(encoded) > math.MaxUint16 { // longer options would have been written with a wrong length
		return b, fmt.Errorf("build query by %s: %d octets do not fit a message", q.Type, len(encoded))
	}
	return append(b, encoded...), nil
}

// value returns the value of OPTION_LQ_QUERY: type, link-address, options.
func (q Query) value() []byte {
	link := netip.IPv6Unspecified()
	if q.Link.IsValid() {
		link = q.Link
	}
	b := append([]byte{byte(q.Type)}, link.AsSlice()...)
	return append(b, q.options().ToBytes()...)
}

// options returns the query-options: what is asked about (table 1.4), and the
// ORO that says what to tell of it.
func (q Query) options() dhcpv6.Options {
	var o dhcpv6.Options
	switch q.Type {
	case ByAddress:
		o.Add(&dhcpv6.OptIAAddress{IPv6Addr: q.Address.AsSlice()})
	case ByClientID:
		o.Add(opaque(optClientID, q.ClientID))
	case ByRelayID:
		o.Add(opaque(optRelayID, q.RelayID))
	case ByRemoteID:
		o.Add(opaque(optRemoteID, q.RemoteID))
	}
	if wanted := q.wanted(); len(wanted) > 0 {
		codes := make([]dhcpv6.OptionCode, len(wanted))
		for i, code := range wanted {
			codes[i] = dhcpv6.OptionCode(code)
		}
		o.Add(dhcpv6.OptRequestedOption(codes...))
	}
	return o
}

// wanted returns Options or its default.
func (q Query) wanted() []uint16 {
	if q.Options == nil {
		return []uint16{OptionRelayData, OptionBaseTime}
	}
	return q.Options
}

// opaque is an option whose value the library must not look into.
func opaque(code dhcpv6.OptionCode, value []byte) dhcpv6.Option {
	return &dhcpv6.OptionGeneric{OptionCode: code, OptionData: value}
}

// validate is Validate and the two DUIDs.
func (q Query) validate(clientID, serverID []byte) error {
	errs := []error{q.Validate(), ownDUID("our client-id", clientID)}
	if serverID != nil {
		errs = append(errs, ownDUID("server-id", serverID))
	}
	return errors.Join(errs...)
}
