package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unhex decodes hex with spaces between the fields.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	must(t, err)
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// capture reads one message from testdata.
func capture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	must(t, err)
	return b
}

// captures reads all messages from testdata, by their names.
func captures(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "*", "*.bin"))
	must(t, err)
	if len(names) < 50 {
		t.Fatalf("%d captures, want all", len(names))
	}
	all := make(map[string][]byte, len(names))
	for _, name := range names {
		name, err := filepath.Rel("testdata", name)
		must(t, err)
		all[name] = capture(t, name)
	}
	return all
}

// opt is one option: its header and the parts of its value.
func opt(code uint16, parts ...[]byte) []byte {
	value := bytes.Join(parts, nil)
	b := binary.BigEndian.AppendUint16(nil, code)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

// dataMessage is a LEASEQUERY-DATA of 199 octets as LIMITS.md measures it:
// client-id, address, prefix, CLT, and relay data with three ids.
func dataMessage(t testing.TB) []byte {
	relay := bytes.Join([][]byte{
		unhex(t, "0c 00 20010db8000100000000000000000001 fe800000000000000000000000010000"),
		opt(optInterfaceID, []byte("ge-0/0/0")),
		opt(optRemoteID, unhex(t, "000009bf"), []byte("subscriber-000000017")),
		opt(optRelayID, unhex(t, "00030001 020000000001")),
	}, nil)
	m := bytes.Join([][]byte{unhex(t, "11 a1b2c3"), opt(optClientData,
		opt(optClientID, unhex(t, "00010001 2a2a2a2a 0200d1000000")),
		opt(optIAAddr, unhex(t, "20010db8000100000000000000010000 0000a8c0 00015180")),
		opt(optIAPrefix, unhex(t, "0000a8c0 00015180 38 20010db8800001000000000000000000")),
		opt(optCLTTime, unhex(t, "0000003c")),
		opt(optLQRelayData, unhex(t, "fe800000000000000000000000010000"), relay),
	)}, nil)
	if len(m) != 199 {
		t.Fatalf("%d octets", len(m))
	}
	return m
}

// addr parses an address that the test wrote itself.
func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
