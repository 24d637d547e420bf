package wire

import (
	"encoding/binary"
	"fmt"
)

// Option codes (table 1.2 of RFC 8415, RFC 5007, RFC 5460, RFC 7653).
const (
	optClientID    = 1
	optServerID    = 2
	optIAAddr      = 5
	optORO         = 6
	optRelayMsg    = 9
	optStatusCode  = 13
	optInterfaceID = 18
	optIAPrefix    = 26
	optRemoteID    = 37
	optLQQuery     = 44
	optClientData  = 45
	optCLTTime     = 46
	optLQRelayData = 47
	optClientLink  = 48
	optRelayID     = 53
	optLQBaseTime  = 100
)

// Codes that Query.Options may ask for.
const (
	OptionRelayData uint16 = optLQRelayData // by which relays the client was heard
	OptionBaseTime  uint16 = optLQBaseTime  // the server's clock
)

const optionHeader = 4 // code and length, two octets each

// option splits the option at b[at:] (RFC 8415, section 21.1). next is where
// the one behind it starts. At the end of b, and for an option that is longer
// than b, ok is false; cutOff tells the two apart. at may be any offset.
func option(b []byte, at int) (code uint16, value []byte, next int, ok bool) {
	if at < 0 || at > len(b)-optionHeader {
		return 0, nil, at, false
	}
	head := b[at:]
	size := int(binary.BigEndian.Uint16(head[2:]))
	if size > len(head)-optionHeader {
		return 0, nil, at, false
	}
	end := optionHeader + size
	return binary.BigEndian.Uint16(head), head[optionHeader:end:end], at + end, true
}

// find returns the first option of that code at or behind the offset at.
func find(b []byte, at int, wanted uint16) (value []byte, next int, ok bool) {
	for {
		code, value, next, ok := option(b, at)
		if !ok || code == wanted {
			return value, next, ok
		}
		at = next
	}
}

// cutOff is called where option found no more: it returns nil at the end of b,
// and an error where an option or its header is longer than what is left (R33).
func cutOff(b []byte, at int) error {
	if at == len(b) {
		return nil
	}
	return fmt.Errorf("option at octet %d of %d is cut off: %w", at, len(b), ErrMalformed)
}

// checkOptions returns an error unless b is a list of whole options.
func checkOptions(b []byte) error {
	at := 0
	for ok := true; ok; {
		_, _, at, ok = option(b, at)
	}
	return cutOff(b, at)
}
