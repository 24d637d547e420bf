package lqserver

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// sequences gives out the server's sequence numbers (S16).
type sequences struct {
	code   uint16         // of the option; 0: not used
	inData bool           // Options.SequenceInData
	last   *atomic.Uint64 // the server's counter: strictly increasing over its life
	own    uint64         // the connection's, for SequenceReset
}

// next returns the next number, or what the fault makes of it.
func (s *sequences) next(fault SequenceFault) uint64 {
	n := s.last.Add(1)
	switch fault {
	case SequenceRepeat:
		return 1
	case SequenceStep:
		return n * 1000
	case SequenceJump:
		return n << 40
	case SequenceReset:
		s.own++
		return s.own
	}
	return n
}

// append appends the option that says n, or for 0 the next number, or nothing
// if the server sends none.
func (s *sequences) append(b []byte, n uint64, f *Faults) []byte {
	if s.code == 0 || f.Sequence == SequenceOmit {
		return b
	}
	if n == 0 {
		n = s.next(f.Sequence)
	}
	return appendSequence(b, dhcpv6.OptionCode(s.code), n, f.SequenceOctets)
}

// appendSequence appends the option with a value of 8 octets, or 4.
func appendSequence(b []byte, code dhcpv6.OptionCode, n uint64, octets int) []byte {
	if octets == 4 {
		return appendUint32Option(b, code, uint32(n))
	}
	return appendOption(b, code, binary.BigEndian.AppendUint64(nil, n))
}
