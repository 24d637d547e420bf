package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/insomniacslk/dhcp/iana"
)

// takeStatus notes the first OPTION_STATUS_CODE: a code of two octets and a
// text without an end mark (RFC 8415, section 21.13).
func (m *Message) takeStatus(value []byte) error {
	const code = 2
	if len(value) < code {
		return fmt.Errorf("status of %d octets, want %d or more: %w", len(value), code, ErrMalformed)
	}
	if !m.HasStatus {
		m.HasStatus = true
		m.Status = iana.StatusCode(binary.BigEndian.Uint16(value))
		m.StatusText = value[code:]
	}
	return nil
}
