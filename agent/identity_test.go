package agent

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRelayID(t *testing.T) {
	t.Run("C118 L2 made once, and the same after a restart", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "made", "by us")
		first, err := relayID(nil, dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(first) != 18 || first[0] != 0 || first[1] != duidUUID {
			t.Errorf("made %x, want a DUID-UUID of 18 octets", first)
		}
		second, err := relayID(nil, dir)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("after a restart %x, %v; want %x", second, err, first)
		}
		other, err := relayID(nil, t.TempDir())
		if err != nil || bytes.Equal(first, other) {
			t.Errorf("another router has %x, %v; want another than %x", other, err, first)
		}
	})
	t.Run("C118 L3 the configured one comes first, and nothing is written", func(t *testing.T) {
		dir := kept(t, "000301")
		got, err := relayID([]byte{0, 4, 9}, dir)
		if err != nil || !bytes.Equal(got, []byte{0, 4, 9}) {
			t.Errorf("got %x, %v; want the configured 000409", got, err)
		}
		if stored := content(t, dir); stored != "000301" {
			t.Errorf("the file holds %q now", stored)
		}
	})
	t.Run("L2 colons and white space are an operator's", func(t *testing.T) {
		got, err := relayID(nil, kept(t, " 00:03:01 \n"))
		if err != nil || !bytes.Equal(got, []byte{0, 3, 1}) {
			t.Errorf("got %x, %v; want 000301", got, err)
		}
	})
	t.Run("L4 the file is whole or not there, and others can't read it", func(t *testing.T) {
		dir := t.TempDir()
		if _, err := relayID(nil, dir); err != nil {
			t.Fatal(err)
		}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 1 {
			t.Fatalf("left behind: %v, %v; want relay-id alone", files, err)
		}
		info, err := files[0].Info()
		if err != nil || info.Mode().Perm()&0o007 != 0 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	})
}

func TestRelayIDRefuses(t *testing.T) {
	tests := []struct{ name, stored string }{
		{"C119 L4 an empty file", ""},
		{"C119 L4 no hex", "router7\n"},
		{"C119 L4 half an octet", "0003000"},
		{"C119 L7 two octets", "0003"},
		{"C119 L7 131 octets", strings.Repeat("00", 131)},
		{"C119 L4 a file that was cut off by zeroes", "0004\x00\x00\x00\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := kept(t, tt.stored)
			id, err := relayID(nil, dir)
			if err == nil {
				t.Fatalf("accepted as %x", id)
			}
			if !strings.Contains(err.Error(), filepath.Join(dir, "relay-id")) {
				t.Errorf("error %q does not name the file", err)
			}
			if now := content(t, dir); now != tt.stored {
				t.Errorf("the file was changed to %q", now)
			}
		})
	}
	t.Run("C119 L4 a file that can't be read", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "relay-id"), 0o750); err != nil {
			t.Fatal(err)
		}
		if id, err := relayID(nil, dir); err == nil {
			t.Errorf("accepted as %x", id)
		}
	})
	t.Run("L4 nowhere to keep a new one", func(t *testing.T) {
		file := filepath.Join(kept(t, "000301"), "relay-id")
		if id, err := relayID(nil, filepath.Join(file, "below")); err == nil {
			t.Errorf("made %x, which the next start would not know", id)
		}
	})
}

func TestRelayIDFor(t *testing.T) {
	t.Run("L2 to look makes none", func(t *testing.T) {
		dir := t.TempDir()
		id, err := RelayIDFor(nil, dir)
		if id != nil || err != nil {
			t.Errorf("got %x, %v; want none", id, err)
		}
		if files, err := fs.ReadDir(os.DirFS(dir), "."); err != nil || len(files) != 0 {
			t.Errorf("made %v, %v", files, err)
		}
	})
	t.Run("L2 the kept one", func(t *testing.T) {
		if id, err := RelayIDFor(nil, kept(t, "000301")); err != nil || !bytes.Equal(id, []byte{0, 3, 1}) {
			t.Errorf("got %x, %v; want 000301", id, err)
		}
	})
}

// kept is a state folder with text in its relay-id.
func kept(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "relay-id"), []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return dir
}

// content is what the relay-id in a state folder holds.
func content(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "relay-id"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
