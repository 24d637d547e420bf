package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

const (
	bufferSize = 256 << 10 // of a Reader: room for a thousand bindings a Read
	maxIdle    = 100       // Reads without an octet or an error before giving up
)

// A Reader cuts a TCP stream into messages. It belongs to one goroutine.
type Reader struct {
	from     io.Reader
	now      func() time.Time
	buffer   []byte
	start    int       // of what was read and not yet returned
	end      int       // of what was read
	received time.Time // when the octets before end had been read
	err      error     // from the Read that also gave octets
}

// NewReader returns a Reader of the stream r. now is asked once for each Read
// of r, just after it.
func NewReader(r io.Reader, now func() time.Time) *Reader {
	return &Reader{from: r, now: now, buffer: make([]byte, bufferSize)}
}

// Next returns the next message, 4 to 65535 octets without its size, and when
// it left the socket: the end of the Read that brought its last octet (R72).
// The frame is a part of the buffer and valid until the next call.
//
// The error is io.EOF at the end of the stream between two messages,
// io.ErrUnexpectedEOF inside one, ErrMalformed for a size below 4 (C5; the
// stream is lost), else that of the stream. After a timeout Next may be called
// again and goes on where it stood.
func (r *Reader) Next() (frame []byte, received time.Time, err error) {
	for {
		frame, err = r.buffered()
		if frame != nil || err != nil {
			return frame, r.received, err
		}
		if err = r.fill(); err != nil {
			return nil, time.Time{}, err
		}
	}
}

// Ready reports whether Next would return at once, without reading.
func (r *Reader) Ready() bool {
	size, known := r.size()
	return r.err != nil || known && (size < minMessage || r.end-r.start >= sizeLength+size)
}

// size returns the size of the message at start, once it is there.
func (r *Reader) size() (size int, known bool) {
	if r.end-r.start < sizeLength {
		return 0, false
	}
	return int(binary.BigEndian.Uint16(r.buffer[r.start:])), true
}

// buffered takes the message at start, or returns nil if it is not yet whole.
func (r *Reader) buffered() ([]byte, error) {
	size, known := r.size()
	if !known {
		return nil, nil
	}
	if size < minMessage {
		return nil, fmt.Errorf("frame of %d octets, want %d or more: %w", size, minMessage, ErrMalformed)
	}
	from, to := r.start+sizeLength, r.start+sizeLength+size
	if to > r.end {
		return nil, nil
	}
	r.start = to
	return r.buffer[from:to:to], nil
}

// fill reads some more. What is left of the last Read, less than a message,
// moves to the front, so that every Read may be a large one; once, however
// slowly the rest of the message trickles in.
func (r *Reader) fill() error {
	if r.start > 0 {
		r.end = copy(r.buffer, r.buffer[r.start:r.end])
		r.start = 0
	}
	for range maxIdle {
		if r.err != nil {
			return r.streamError()
		}
		var n int
		n, r.err = r.from.Read(r.buffer[r.end:])
		if n > 0 {
			r.received = r.now()
			r.end += n
			return nil
		}
	}
	return io.ErrNoProgress
}

// streamError hands out the stream's error once, as bufio does.
func (r *Reader) streamError() error {
	err := r.err
	r.err = nil
	if err == io.EOF && r.end > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}
