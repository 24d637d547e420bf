package lqserver

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// time2000 is the epoch of OPTION_LQ_BASE_TIME (RFC 7653, section 6.3.1).
var time2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// appendOption appends an option (RFC 8415, section 21.1) whose value is at
// most 65,535 octets long.
func appendOption(b []byte, code dhcpv6.OptionCode, value []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

// openOption appends the header of an option whose length closeOption fills
// in, once its value has been appended.
func openOption(b []byte, code dhcpv6.OptionCode) []byte {
	return append(b, byte(code>>8), byte(code), 0, 0)
}

// closeOption gives the option whose header is at start the length of all
// that follows.
func closeOption(b []byte, start int) {
	binary.BigEndian.PutUint16(b[start+2:], uint16(len(b)-start-4))
}

func appendUint32Option(b []byte, code dhcpv6.OptionCode, v uint32) []byte {
	b = append(b, byte(code>>8), byte(code), 0, 4)
	return binary.BigEndian.AppendUint32(b, v)
}

// appendStatus appends OPTION_STATUS_CODE (RFC 8415, section 21.13).
func appendStatus(b []byte, code iana.StatusCode, text string) []byte {
	start := len(b)
	b = openOption(b, dhcpv6.OptionStatusCode)
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	b = append(b, text...)
	closeOption(b, start)
	return b
}

// appendAddr appends 16 octets; an invalid address is "::".
func appendAddr(b []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		a = netip.IPv6Unspecified()
	}
	octets := a.As16()
	return append(b, octets[:]...)
}

// seconds turns a lifetime or an age into its wire form.
func seconds(d time.Duration) uint32 {
	return uint32(min(max(d, 0)/time.Second, 0xffffffff))
}
