package warm

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"leaseroute/binding"
)

var written = time.Unix(1_800_000_000, 123)

func samples() []Lease {
	return []Lease{
		{
			Key:            binding.Key{Prefix: netip.MustParsePrefix("2001:db8:8000:1230::/60")},
			Client:         []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1},
			ServerDUID:     []byte{0, 2, 0, 0, 9, 191, 1},
			Server:         "kea1",
			Interface:      "acc0",
			NextHop:        netip.MustParseAddr("fe80::d1:ff:fe00:2"),
			CLT:            time.Unix(1_799_999_000, 0),
			ValidUntil:     time.Unix(1_800_080_000, 0),
			PreferredUntil: time.Unix(1_800_040_000, 0),
		},
		{
			Key:        binding.Key{Kind: binding.Address, Prefix: netip.MustParsePrefix("192.0.2.7/32")},
			Client:     bytes.Repeat([]byte{7}, 130),
			CLT:        time.Unix(0, 0),
			ValidUntil: binding.Forever, PreferredUntil: binding.Forever,
		},
	}
}

var equal = cmp.Options{cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{}), cmpopts.EquateEmpty()}

func write(t *testing.T, leases []Lease) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bindings")
	if err := Write(path, written, slices.Values(leases)); err != nil {
		t.Fatal(err)
	}
	return path
}

// collect reads all leases of a file's content.
func collect(content []byte, most int) (at time.Time, leases []Lease, err error) {
	at, err = read(bytes.NewReader(content), most, func(l Lease) error {
		l.Client, l.ServerDUID = bytes.Clone(l.Client), bytes.Clone(l.ServerDUID)
		leases = append(leases, l)
		return nil
	})
	return at, leases, err
}

// load is collect for the file at path.
func load(t *testing.T, path string, most int) (time.Time, []Lease, error) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return collect(content, most)
}

func TestFileThatIsNotThereIsSaidSo(t *testing.T) {
	_, err := Read(filepath.Join(t.TempDir(), "none"), 1, nil)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Read: %v, want os.ErrNotExist", err)
	}
}

func TestFileComesBackAsItWas(t *testing.T) {
	path := write(t, samples())
	at, got, err := load(t, path, 2)
	if err != nil || !at.Equal(written) {
		t.Fatalf("Read: at %v, %v; want %v", at, err, written)
	}
	if d := cmp.Diff(samples(), got, equal); d != "" {
		t.Errorf("leases differ (-want +got):\n%s", d)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != mode {
		t.Errorf("mode %v, %v; want %v: nobody else may read it", info.Mode(), err, os.FileMode(mode))
	}
}

func TestFileWithoutLeasesIsWhole(t *testing.T) {
	if _, got, err := load(t, write(t, nil), 0); err != nil || len(got) != 0 {
		t.Errorf("Read: %d leases, %v; want none", len(got), err)
	}
}

func TestWhatIsNotWholeYieldsNothing(t *testing.T) {
	whole, err := os.ReadFile(write(t, samples()))
	if err != nil {
		t.Fatal(err)
	}
	try := func(name string, content []byte, want error) {
		t.Helper()
		_, got, err := collect(content, 10)
		if !errors.Is(err, want) || got != nil {
			t.Errorf("%s: %d leases, %v; want none, %v", name, len(got), err, want)
		}
	}
	for n := range whole {
		want := ErrDamaged
		if n < len(magic)+8 {
			want = ErrForeign
		}
		try("cut short", whole[:n], want)
		flipped := bytes.Clone(whole)
		flipped[n] ^= 1
		if n < len(magic) {
			try("a flipped bit in the magic", flipped, ErrForeign)
		} else {
			try("a flipped bit", flipped, ErrDamaged)
		}
	}
	try("more behind the end", append(bytes.Clone(whole), 0), ErrDamaged)
	try("another kind of file", []byte("# leaseroute.yaml: this is something else\n"), ErrForeign)
}

// TestLongestNamesComeBack (R131): a length of 255 is one octet, and no less a
// length for that.
func TestLongestNamesComeBack(t *testing.T) {
	want := samples()
	want[0].Interface = strings.Repeat("i", maxString)
	want[1].Client = bytes.Repeat([]byte{1}, maxString)
	_, got, err := load(t, write(t, want), 2)
	if d := cmp.Diff(want, got, equal); err != nil || d != "" {
		t.Errorf("Read: %v; leases differ (-want +got):\n%s", err, d)
	}
}

func TestFileWithTooManyLeasesIsRefused(t *testing.T) {
	if _, got, err := load(t, write(t, samples()), 1); !errors.Is(err, ErrTooMany) || got != nil {
		t.Errorf("Read: %d leases, %v; want ErrTooMany", len(got), err)
	}
}

func TestWriteThatFailsLeavesTheOldFile(t *testing.T) {
	path := write(t, samples())
	bad := samples()
	bad[1].Client = make([]byte, 256)
	if err := Write(path, written, slices.Values(bad)); err == nil {
		t.Fatal("Write took a DUID of 256 octets")
	}
	if _, got, err := load(t, path, 2); err != nil || len(got) != 2 {
		t.Errorf("the old file: %d leases, %v", len(got), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("files left behind: %v", left)
	}
}

func FuzzFile(f *testing.F) {
	var whole bytes.Buffer
	if err := encode(&whole, written, slices.Values(samples())); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:60])
	f.Fuzz(func(t *testing.T, content []byte) {
		at, leases, err := collect(content, 1000)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := encode(&again, at, slices.Values(leases)); err != nil {
			t.Fatal(err)
		}
		if _, twice, err := collect(again.Bytes(), 1000); err != nil || !cmp.Equal(leases, twice, equal) {
			t.Errorf("there and back: %v, %s", err, cmp.Diff(leases, twice, equal))
		}
	})
}
