package gleaner

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// errMalformed reports bytes that do not follow the RFC.
var errMalformed = errors.New("malformed message")

var errCutOff = fmt.Errorf("option is cut off: %w", errMalformed)

// options is a run of DHCPv6 options (RFC 8415, section 21.1).
type options []byte

// next takes the first option off. o must not be empty. An option that is cut
// off is an error, not the end of the list.
func (o options) next() (code dhcpv6.OptionCode, value []byte, rest options, err error) {
	const header = 4
	if len(o) < header {
		return 0, nil, nil, errCutOff
	}
	end := header + int(binary.BigEndian.Uint16(o[2:]))
	if end > len(o) {
		return 0, nil, nil, errCutOff
	}
	return dhcpv6.OptionCode(binary.BigEndian.Uint16(o)), o[header:end], o[end:], nil
}
