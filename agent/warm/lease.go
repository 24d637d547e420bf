package warm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"leaseroute/binding"
)

// A Lease is what the file holds of one binding. Interface and Server are
// names: numbers mean nothing to another run.
type Lease struct {
	Key            binding.Key
	Client         []byte // DUID, up to 130 octets
	ServerDUID     []byte // likewise
	Server         string // name of the configured server; "" if none
	Interface      string
	NextHop        netip.Addr // invalid if there is none
	CLT            time.Time  // whole seconds
	ValidUntil     time.Time  // whole seconds, or binding.Forever
	PreferredUntil time.Time  // likewise
}

// The layout of a lease: a fixed part, then four byte strings, each behind an
// octet with its length. Integers are big-endian.
//
//	0   1   kind
//	1   1   prefix length
//	2   16  prefix, IPv4 as IPv4-mapped
//	18  16  next hop, likewise; "::" if there is none
//	34  8   CLT, seconds since 1970
//	42  8   valid until, likewise; for ever is the largest number
//	50  8   preferred until, likewise
//	58  n   client, server DUID, server, interface
const fixed = 58

// maxString bounds each byte string: its length is one octet.
const maxString = 255

var errLease = errors.New("not a lease")

// append encodes l behind b.
func (l Lease) append(b []byte) ([]byte, error) {
	address, hop := l.Key.Prefix.Addr().As16(), [16]byte{}
	if l.NextHop.IsValid() {
		hop = l.NextHop.As16()
	}
	b = append(b, byte(l.Key.Kind), byte(l.Key.Prefix.Bits()))
	b = append(append(b, address[:]...), hop[:]...)
	for _, t := range []time.Time{l.CLT, l.ValidUntil, l.PreferredUntil} {
		b = binary.BigEndian.AppendUint64(b, uint64(unix(t)))
	}
	for _, s := range []string{string(l.Client), string(l.ServerDUID), l.Server, l.Interface} {
		if len(s) > maxString {
			return nil, fmt.Errorf("%s: a name or DUID of %d octets: %w", l.Key.Prefix, len(s), errLease)
		}
		b = append(append(b, byte(len(s))), s...)
	}
	return b, nil
}

// parse decodes a lease. Its slices alias b.
func parse(b []byte) (l Lease, err error) {
	if len(b) < fixed {
		return l, errLease
	}
	p := netip.PrefixFrom(netip.AddrFrom16([16]byte(b[2:18])).Unmap(), int(b[1]))
	if b[0] > byte(binding.Address) || p.Bits() < 1 || p != p.Masked() {
		return l, errLease
	}
	l.Key = binding.Key{Kind: binding.Kind(b[0]), Prefix: p}
	if hop := netip.AddrFrom16([16]byte(b[18:34])).Unmap(); !hop.IsUnspecified() {
		l.NextHop = hop
	}
	l.CLT, l.ValidUntil, l.PreferredUntil = instant(b[34:]), instant(b[42:]), instant(b[50:])
	var text [4][]byte
	rest := b[fixed:]
	for i := range text {
		if len(rest) < 1 {
			return l, errLease
		}
		end := 1 + int(rest[0])
		if len(rest) < end {
			return l, errLease
		}
		text[i], rest = rest[1:end], rest[end:]
	}
	if len(rest) > 0 {
		return l, errLease
	}
	l.Client, l.ServerDUID, l.Server, l.Interface = text[0], text[1], string(text[2]), string(text[3])
	return l, nil
}

// unix is t in seconds since 1970.
func unix(t time.Time) int64 {
	if t.Equal(binding.Forever) {
		return math.MaxInt64
	}
	return t.Unix()
}

// latest is the last instant that is taken for one: 9999-12-31.
const latest = 253402300799

// instant is the inverse of unix. What is beyond all reason is for ever.
func instant(b []byte) time.Time {
	s := int64(binary.BigEndian.Uint64(b))
	if s > latest || s < -latest {
		return binding.Forever
	}
	return time.Unix(s, 0)
}
