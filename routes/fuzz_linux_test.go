package routes

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// seedMessages adds what a kernel sent: datagrams in hexadecimal, one a line.
func seedMessages(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.hex")
	if err != nil || len(files) == 0 {
		f.Fatalf("no testdata: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			b, err := hex.DecodeString(string(bytes.TrimSpace(line)))
			if err != nil {
				f.Fatalf("%s: %v", name, err)
			}
			f.Add(b)
		}
	}
}

// FuzzMessages reads datagrams as Dump, Refresh and Watch do: every error is
// errTruncated, and every prefix canonical.
func FuzzMessages(f *testing.F) {
	seedMessages(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		err := each(b, func(m message) error {
			if _, err := parseAnswer(m); err != nil && !errors.Is(err, errTruncated) {
				t.Errorf("parseAnswer: %v", err)
			}
			if _, err := parseLink(m.payload); err != nil && !errors.Is(err, errTruncated) {
				t.Errorf("parseLink: %v", err)
			}
			a, usable, err := parseAddress(m.payload)
			if err != nil && !errors.Is(err, errTruncated) {
				t.Errorf("parseAddress: %v", err)
			}
			if usable && (!a.own.IsValid() || a.link != a.link.Masked() || !a.link.IsValid()) {
				t.Errorf("address %+v", a)
			}
			r, err := parseRoute(m.payload)
			if err != nil && !errors.Is(err, errTruncated) {
				t.Errorf("parseRoute: %v", err)
			}
			if err == nil && (!r.prefix.IsValid() || r.prefix != r.prefix.Masked() || r.expires < 0) {
				t.Errorf("route %+v", r)
			}
			return nil
		})
		if err != nil && !errors.Is(err, errTruncated) {
			t.Errorf("each: %v", err)
		}
	})
}

// FuzzEncode goes there and back.
func FuzzEncode(f *testing.F) {
	f.Add(netip.MustParseAddr("2001:db8:1234:5670::").AsSlice(), byte(60), netip.MustParseAddr("fe80::2").AsSlice(), uint32(7), uint32(1024), uint32(254), byte(158), uint32(3600))
	f.Add([]byte{192, 0, 2, 0}, byte(24), []byte{198, 51, 100, 1}, uint32(7), uint32(0), uint32(1000), byte(0), uint32(0))
	f.Fuzz(func(t *testing.T, to []byte, bits byte, via []byte, index, metric, table uint32, protocol byte, seconds uint32) {
		a, ok := netip.AddrFromSlice(to)
		if !ok {
			return
		}
		p, err := a.Prefix(int(bits))
		if err != nil {
			return
		}
		in := route{prefix: p, index: int32(index), metric: metric, table: table, protocol: protocol, kind: unix.RTN_UNICAST}
		in.gateway, _ = netip.AddrFromSlice(via)
		in.expires = time.Duration(seconds) * time.Second
		e := newEncoder(table, protocol)
		b := e.append([]byte("before it"), create, 9, &in)
		m, rest, err := nextMessage(b[len("before it"):])
		if err != nil || len(rest) != 0 || m.seq != 9 || m.kind != unix.RTM_NEWROUTE {
			t.Fatalf("message %+v, %v", m, err)
		}
		out, err := parseRoute(m.payload)
		in.expires = 0 // is told in another way than it is asked for
		if err != nil || out != in {
			t.Fatalf("route %+v, %v; want %+v", out, err, in)
		}
	})
}
