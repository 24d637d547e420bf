package routes

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// errTruncated reports a netlink message or attribute that is longer than what
// it is in. Every parse error of this room wraps it.
var errTruncated = errors.New("truncated netlink message")

// native is the byte order of everything in netlink but addresses.
var native = binary.NativeEndian

// A message is one netlink message, its header decoded.
type message struct {
	kind    uint16
	flags   uint16
	seq     uint32
	port    uint32 // of the socket that asked for it, or whose request it reports
	payload []byte // aliases the buffer
}

// nextMessage takes the first message off b.
func nextMessage(b []byte) (m message, rest []byte, err error) {
	if len(b) < unix.NLMSG_HDRLEN {
		return m, nil, fmt.Errorf("%d octets of a header: %w", len(b), errTruncated)
	}
	length := int(native.Uint32(b))
	if length < unix.NLMSG_HDRLEN || length > len(b) {
		return m, nil, fmt.Errorf("message of %d octets in %d: %w", length, len(b), errTruncated)
	}
	m = message{
		kind: native.Uint16(b[4:]), flags: native.Uint16(b[6:]),
		seq: native.Uint32(b[8:]), port: native.Uint32(b[12:]),
		payload: b[unix.NLMSG_HDRLEN:length],
	}
	return m, b[min(align(length), len(b)):], nil
}

// nextAttribute takes the first attribute off b. Flags in the type (nested,
// byte order) are cleared.
func nextAttribute(b []byte) (kind uint16, value, rest []byte, err error) {
	if len(b) < unix.SizeofRtAttr {
		return 0, nil, nil, fmt.Errorf("%d octets of an attribute: %w", len(b), errTruncated)
	}
	length := int(native.Uint16(b))
	if length < unix.SizeofRtAttr || length > len(b) {
		return 0, nil, nil, fmt.Errorf("attribute of %d octets in %d: %w", length, len(b), errTruncated)
	}
	kind = native.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
	return kind, b[unix.SizeofRtAttr:length], b[min(align(length), len(b)):], nil
}

// appendAttribute adds an attribute, padded.
func appendAttribute(b []byte, kind uint16, value []byte) []byte {
	b = native.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = native.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, align(len(value))-len(value))...)
}

// appendUint32 adds an attribute of one number.
func appendUint32(b []byte, kind uint16, value uint32) []byte {
	b = native.AppendUint16(b, unix.SizeofRtAttr+4)
	b = native.AppendUint16(b, kind)
	return native.AppendUint32(b, value)
}

// appendHeader begins a message; finish gives it its length.
func appendHeader(b []byte, kind, flags uint16, seq uint32) []byte {
	b = native.AppendUint32(b, 0)
	b = native.AppendUint16(b, kind)
	b = native.AppendUint16(b, flags|unix.NLM_F_REQUEST)
	b = native.AppendUint32(b, seq)
	return native.AppendUint32(b, 0)
}

// finish ends the message that began at offset.
func finish(b []byte, offset int) []byte {
	native.PutUint32(b[offset:], uint32(len(b)-offset))
	return b
}

// uint32Of reads an attribute of one number.
func uint32Of(value []byte) (uint32, error) {
	if len(value) < 4 {
		return 0, fmt.Errorf("number of %d octets: %w", len(value), errTruncated)
	}
	return native.Uint32(value), nil
}

// align rounds a length up to where the next message or attribute begins.
func align(n int) int {
	return (n + 3) &^ 3
}
