package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A message on TCP has its size in front: two octets that do not count
// themselves (RFC 5460, section 5.1).
const (
	sizeLength = 2
	minMessage = 4 // type and transaction-id
	maxFrame   = sizeLength + math.MaxUint16
)

// AppendFrame appends message to b with its size in front. The error is for a
// message that is no message (under 4 octets) or too long (over 65535).
func AppendFrame(b, message []byte) ([]byte, error) {
	if len(message) < minMessage || len(message) > math.MaxUint16 {
		return b, fmt.Errorf("frame message of %d octets: want %d to %d", len(message), minMessage, math.MaxUint16)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(message)))
	return append(b, message...), nil
}
