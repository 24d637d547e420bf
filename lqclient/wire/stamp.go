package wire

import "encoding/binary"

// A Stamp places a message, or a part of it, on the server's time line.
type Stamp struct {
	// Sequence is the server's sequence number; only with HasSequence.
	// Sequence32 marks the form of four octets, which wraps (R86).
	Sequence    uint64
	HasSequence bool
	Sequence32  bool

	// BaseTime is the server's clock when it made the message, in seconds
	// since 2000-01-01 00:00 UTC (RFC 7653, section 6.3.1).
	HasBaseTime bool
	BaseTime    uint32

	Unusable uint16 // base times and sequence numbers of a wrong length, which were ignored
}

// take notes a base time or a sequence number; of several the first.
func (s *Stamp) take(code uint16, value []byte, sequenceOption uint16) {
	switch {
	case code == optLQBaseTime:
		s.takeBaseTime(value)
	case code == sequenceOption && code != 0:
		s.takeSequence(value)
	}
}

func (s *Stamp) takeBaseTime(value []byte) {
	switch {
	case len(value) != 4:
		s.Unusable++
	case !s.HasBaseTime:
		s.BaseTime, s.HasBaseTime = binary.BigEndian.Uint32(value), true
	}
}

func (s *Stamp) takeSequence(value []byte) {
	switch {
	case len(value) != 4 && len(value) != 8:
		s.Unusable++
	case s.HasSequence:
	case len(value) == 4:
		s.Sequence, s.HasSequence, s.Sequence32 = uint64(binary.BigEndian.Uint32(value)), true, true
	default:
		s.Sequence, s.HasSequence = binary.BigEndian.Uint64(value), true
	}
}

// inherit takes over from the message's stamp what s lacks.
func (s *Stamp) inherit(m *Stamp) {
	if !s.HasBaseTime {
		s.BaseTime, s.HasBaseTime = m.BaseTime, m.HasBaseTime
	}
	if !s.HasSequence {
		s.Sequence, s.HasSequence, s.Sequence32 = m.Sequence, m.HasSequence, m.Sequence32
	}
}
