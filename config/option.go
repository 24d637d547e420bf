package config

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
)

// maxOption is the longest value that a DHCPv6 option can have.
const maxOption = 65535

// interfaceIDValue is the kind of Interface-Id values (RFC 8415, section
// 21.18).
func interfaceIDValue() kind[[]byte] {
	return textual(`an Interface-Id, "0x..." in hex or else text`, parseOpaque)
}

// remoteID is the kind of Remote-ID values (RFC 4649, section 3).
func remoteID() kind[[]byte] {
	return textual(`a Remote-ID, "enterprise:0x..." in hex or else "enterprise:text"`, ParseRemoteID)
}

// ParseRemoteID reads "enterprise:0x..." or "enterprise:text", enterprise in
// decimal, and gives the option's value: the enterprise number in 4 octets,
// big-endian, and then at least one octet.
func ParseRemoteID(s string) ([]byte, error) {
	number, id, ok := strings.Cut(s, ":")
	if !ok {
		return nil, errors.New("has no colon after the enterprise number")
	}
	enterprise, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return nil, errors.New("does not begin with an enterprise number from 0 to 4294967295")
	}
	opaque, err := parseOpaque(id)
	if err != nil {
		return nil, err
	}
	value := append(binary.BigEndian.AppendUint32(nil, uint32(enterprise)), opaque...)
	if len(value) > maxOption {
		return nil, errors.New("does not fit an option")
	}
	return value, nil
}

// parseOpaque reads the octets of an identifier: hex after "0x", else the text
// itself. There is at least one.
func parseOpaque(s string) ([]byte, error) {
	b := []byte(s)
	if strings.HasPrefix(s, "0x") {
		var err error
		if b, err = parseHex(s); err != nil {
			return nil, err
		}
	}
	switch {
	case len(b) == 0:
		return nil, errors.New("names nothing")
	case len(b) > maxOption:
		return nil, errors.New("does not fit an option")
	}
	return b, nil
}
