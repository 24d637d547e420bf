package warm

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"time"

	"github.com/google/renameio/v2"
)

// The layout of the file:
//
//	0   16  magic
//	16  8   when it was written, nanoseconds since 1970
//	24  n   leases, each behind its length in two octets
//	    2   a length of zero: the end
//	    4   CRC-32C of all that is before
const magic = "leaseroute-1\r\n\x00\x00"

// mode lets nobody else read which subscriber has which prefix.
const mode = 0o600

var (
	// ErrForeign reports a file that is not of this kind.
	ErrForeign = errors.New("not a file of bindings")
	// ErrDamaged reports a file that was cut short or changed.
	ErrDamaged = errors.New("damaged")
	// ErrTooMany reports a file with more leases than the table takes.
	ErrTooMany = errors.New("more bindings than delegation.max_bindings")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Write replaces the file at path with leases, as of at. On an error the old
// file stays.
func Write(path string, at time.Time, leases iter.Seq[Lease]) (err error) {
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(mode))
	if err != nil {
		return fmt.Errorf("write bindings: %w", err)
	}
	defer func() { err = errors.Join(err, file.Cleanup()) }()
	w := bufio.NewWriterSize(file, 256<<10)
	if err := encode(w, at, leases); err != nil {
		return fmt.Errorf("write bindings: %w", err)
	}
	if err := errors.Join(w.Flush(), file.CloseAtomicallyReplace()); err != nil {
		return fmt.Errorf("write bindings: %w", err)
	}
	return nil
}

func encode(w io.Writer, at time.Time, leases iter.Seq[Lease]) error {
	sum := crc32.New(castagnoli)
	w = io.MultiWriter(w, sum)
	b := binary.BigEndian.AppendUint64([]byte(magic), uint64(at.UnixNano()))
	for l := range leases {
		start := len(b)
		var err error
		if b, err = l.append(append(b, 0, 0)); err != nil {
			return err
		}
		binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start-2))
		if _, err := w.Write(b); err != nil {
			return err
		}
		b = b[:0]
	}
	if _, err := w.Write(append(b, 0, 0)); err != nil {
		return err
	}
	return binary.Write(w, binary.BigEndian, sum.Sum32())
}

// Read reads the file at path, and calls each for every lease in it, of which
// there may be most. The leases' slices are valid during the call only. It
// returns when the file was written. A file that is not whole is found out
// before each is called first: the error wraps ErrForeign, ErrDamaged,
// ErrTooMany or os.ErrNotExist, else it is each's.
func Read(path string, most int, each func(Lease) error) (at time.Time, err error) {
	f, err := open(path)
	if err != nil {
		return at, fmt.Errorf("read bindings: %w", err)
	}
	defer f.Close()
	if at, err = read(f, most, each); err != nil {
		return at, fmt.Errorf("read bindings from %s: %w", path, err)
	}
	return at, nil
}

// read goes over the file twice, so that a million leases need not be held
// until it is known whether they are good.
func read(f io.ReadSeeker, most int, each func(Lease) error) (at time.Time, err error) {
	left := most
	count := func(Lease) error {
		if left--; left < 0 {
			return ErrTooMany
		}
		return nil
	}
	for _, each := range []func(Lease) error{count, each} {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return at, err
		}
		if at, err = decode(bufio.NewReaderSize(f, 256<<10), each); err != nil {
			return at, err
		}
	}
	return at, nil
}

func decode(r io.Reader, each func(Lease) error) (at time.Time, err error) {
	d := decoder{r: r, sum: crc32.New(castagnoli)}
	head := d.next(len(magic) + 8)
	if d.err != nil || !bytes.HasPrefix(head, []byte(magic)) {
		return at, ErrForeign
	}
	at = time.Unix(0, int64(binary.BigEndian.Uint64(head[len(magic):])))
	for {
		n := int(binary.BigEndian.Uint16(d.next(2)))
		if d.err != nil {
			return at, ErrDamaged
		}
		if n == 0 {
			return at, d.check()
		}
		l, err := parse(d.next(n))
		if d.err != nil || err != nil {
			return at, ErrDamaged
		}
		if err := each(l); err != nil {
			return at, err
		}
	}
}

// A decoder reads and sums up what it reads.
type decoder struct {
	r   io.Reader
	sum hash.Hash32
	buf [1 << 16]byte
	err error // the first; nothing is read after it
}

// next returns the next n octets, up to 65,535, valid until the next call.
func (d *decoder) next(n int) []byte {
	b := d.buf[:n]
	if d.err == nil {
		_, d.err = io.ReadFull(d.r, b)
	}
	if d.err == nil {
		d.sum.Write(b)
	}
	return b
}

// check compares the sum with the file's, which nothing may follow.
func (d *decoder) check() error {
	want := d.sum.Sum32()
	got := d.next(4)
	if d.err != nil || binary.BigEndian.Uint32(got) != want {
		return ErrDamaged
	}
	if d.next(1); d.err != io.EOF {
		return ErrDamaged
	}
	return nil
}

// open opens a file that is one: of a pipe the end might never come.
func open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file: %w", path, ErrForeign)
	}
	return os.Open(path)
}

// WrittenAt returns when the file at path says that it was written. The error
// wraps ErrForeign or os.ErrNotExist.
func WrittenAt(path string) (at time.Time, err error) {
	f, err := open(path)
	if err != nil {
		return at, fmt.Errorf("read bindings: %w", err)
	}
	defer f.Close()
	head := make([]byte, len(magic)+8)
	if _, err := io.ReadFull(f, head); err != nil || !bytes.HasPrefix(head, []byte(magic)) {
		return at, fmt.Errorf("read bindings from %s: %w", path, ErrForeign)
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(head[len(magic):]))), nil
}
