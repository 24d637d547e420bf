package wire

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"testing"
	"testing/iotest"
	"time"
)

// frames puts the messages into one stream.
func frames(t testing.TB, messages ...[]byte) []byte {
	t.Helper()
	var b []byte
	for _, m := range messages {
		var err error
		b, err = AppendFrame(b, m)
		must(t, err)
	}
	return b
}

// readAll collects copies of all messages of a stream, and how it ended.
func readAll(r io.Reader) (messages [][]byte, err error) {
	reader := NewReader(r, time.Now)
	for {
		frame, _, err := reader.Next()
		if err != nil {
			return messages, err
		}
		messages = append(messages, bytes.Clone(frame))
	}
}

func equalMessages(a, b [][]byte) bool {
	return bytes.Equal(bytes.Join(a, []byte("|")), bytes.Join(b, []byte("|"))) && len(a) == len(b)
}

func TestAppendFrame(t *testing.T) {
	t.Run("C3 the size does not count itself", func(t *testing.T) {
		got, err := AppendFrame([]byte("x"), unhex(t, "10 a1b2c3"))
		if want := unhex(t, "78 0004 10a1b2c3"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %x, %v; want %x", got, err, want)
		}
	})
	for _, size := range []int{0, 3, math.MaxUint16 + 1} {
		t.Run("C5 what is no message is refused", func(t *testing.T) {
			if got, err := AppendFrame([]byte("x"), make([]byte, size)); err == nil || string(got) != "x" {
				t.Errorf("%d octets: got %x, %v", size, got, err)
			}
		})
	}
}

func TestReader(t *testing.T) {
	small, done := dataMessage(t), unhex(t, "10 a1b2c3")
	largest := append(unhex(t, "11 a1b2c3"), opt(0xffff, make([]byte, math.MaxUint16-8))...)
	var many [][]byte
	for range 3 * bufferSize / len(largest) {
		many = append(many, small, largest)
	}
	tests := []struct {
		name     string
		messages [][]byte
	}{
		{"no message", nil},
		{"C4 two frames in one segment", [][]byte{small, done}},
		{"C6 a frame of 65535 octets", [][]byte{done, largest, done}},
		{"more than the buffer holds", many},
	}
	cuts := []struct {
		name string
		cut  func(io.Reader) io.Reader
	}{
		{"as it comes", func(r io.Reader) io.Reader { return r }},
		{"C4 in segments of 1 octet", iotest.OneByteReader},
		{"C4 in halves", iotest.HalfReader},
		{"data with the end of the stream", iotest.DataErrReader},
	}
	for _, tt := range tests {
		for _, c := range cuts {
			t.Run(tt.name+", "+c.name, func(t *testing.T) {
				got, err := readAll(c.cut(bytes.NewReader(frames(t, tt.messages...))))
				if err != io.EOF || !equalMessages(got, tt.messages) {
					t.Errorf("%d messages, %v; want %d", len(got), err, len(tt.messages))
				}
			})
		}
	}
}

func TestReaderEnds(t *testing.T) {
	done := unhex(t, "0004 10a1b2c3")
	broken := errors.New("broken")
	tests := []struct {
		name string
		in   io.Reader
		want error
	}{
		{"the end between two messages", bytes.NewReader(done), io.EOF},
		{"the end inside a size", bytes.NewReader(append(done, 0)), io.ErrUnexpectedEOF},
		{"the end behind a size", bytes.NewReader(append(done, 0, 5)), io.ErrUnexpectedEOF},
		{"the end inside a message", bytes.NewReader(append(done, done[:5]...)), io.ErrUnexpectedEOF},
		{"C5 a size of 0", bytes.NewReader(append(done, 0, 0)), ErrMalformed},
		{"C5 a size of 3", bytes.NewReader(append(done, 0, 3, 1, 2, 3)), ErrMalformed},
		{"an error of the stream", io.MultiReader(bytes.NewReader(done), iotest.ErrReader(broken)), broken},
		{"a stream that gives nothing", io.MultiReader(bytes.NewReader(done), nothing{}), io.ErrNoProgress},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readAll(tt.in)
			if len(got) != 1 || !errors.Is(err, tt.want) {
				t.Errorf("%d messages, %v; want 1, %v", len(got), err, tt.want)
			}
		})
	}
}

// nothing is a broken io.Reader.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

func TestReaderGoesOn(t *testing.T) {
	t.Run("a timeout inside a message does not lose it", func(t *testing.T) {
		done := unhex(t, "0004 10a1b2c3")
		r := NewReader(io.MultiReader(
			bytes.NewReader(done[:3]),
			&once{err: os.ErrDeadlineExceeded},
			bytes.NewReader(done[3:]),
		), time.Now)
		if _, _, err := r.Next(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("first: %v", err)
		}
		if frame, _, err := r.Next(); err != nil || !bytes.Equal(frame, done[2:]) {
			t.Fatalf("second: %x, %v", frame, err)
		}
	})
	t.Run("C5 a lost stream stays lost", func(t *testing.T) {
		r := NewReader(bytes.NewReader(make([]byte, 100)), time.Now)
		for range 3 {
			if _, _, err := r.Next(); !errors.Is(err, ErrMalformed) || !r.Ready() {
				t.Fatalf("%v", err)
			}
		}
	})
}

// once is a Reader that fails once and then is at its end.
type once struct{ err error }

func (o *once) Read([]byte) (int, error) {
	err := o.err
	o.err = io.EOF
	return 0, err
}

func TestReaderStamps(t *testing.T) {
	t.Run("R72 the time is that of the Read with the last octet", func(t *testing.T) {
		first := frames(t, unhex(t, "10 000001"), unhex(t, "10 000002"))
		second := append(frames(t, unhex(t, "10 000003")), 0, 4, 0x10)
		third := unhex(t, "000004")
		start := time.Unix(1000, 0)
		now := start
		r := NewReader(io.MultiReader(bytes.NewReader(first), bytes.NewReader(second), bytes.NewReader(third)), func() time.Time {
			now = now.Add(time.Second)
			return now
		})
		for i, want := range []struct {
			after time.Duration
			ready bool // whether another message lies behind it
		}{{1 * time.Second, true}, {1 * time.Second, false}, {2 * time.Second, false}, {3 * time.Second, false}} {
			frame, received, err := r.Next()
			must(t, err)
			if got := received.Sub(start); int(frame[3]) != i+1 || got != want.after || r.Ready() != want.ready {
				t.Errorf("message %d: received after %s, ready %v; want %+v", frame[3], got, r.Ready(), want)
			}
		}
	})
}
