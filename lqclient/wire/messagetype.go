package wire

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// MessageType is the first octet of a DHCPv6 message. Beware of the order:
// DONE is 16 and DATA is 17 (RFC 5460, section 9).
type MessageType uint8

// The messages of leasequery: RFC 5007, section 4.1.1; RFC 5460, section 5.2.
const (
	LeaseQuery      MessageType = 14
	LeaseQueryReply MessageType = 15
	LeaseQueryDone  MessageType = 16
	LeaseQueryData  MessageType = 17
)

// String returns the RFC's name of the type, such as "LEASEQUERY-DATA".
func (t MessageType) String() string { return dhcpv6.MessageType(t).String() }

// A TransactionID ties replies to their query.
type TransactionID [3]byte

// NewTransactionID returns a random id (R1). That it is not in use already on
// the same connection is for the caller to see.
func NewTransactionID() TransactionID {
	var id TransactionID
	_, _ = rand.Read(id[:]) // never fails: it ends the program instead
	return id
}

// String returns the id in hex.
func (id TransactionID) String() string { return hex.EncodeToString(id[:]) }
