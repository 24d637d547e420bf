package gleaner

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"leaseroute/binding"
)

// A record is one packet of a capture file.
type record struct {
	packet
	file  string
	frame int // from 1
}

// readPcap reads a classic pcap of Ethernet frames with microseconds or
// nanoseconds. The interface is told by the file's name, the direction by the
// MAC address: those of the router begin 02:00:00:00:b0.
func readPcap(t testing.TB, name string) (records []record) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "relay", name))
	if err != nil {
		t.Fatal(err)
	}
	magic := binary.LittleEndian.Uint32(b)
	unit, ok := map[uint32]time.Duration{0xa1b2c3d4: time.Microsecond, 0xa1b23c4d: time.Nanosecond}[magic]
	if linkType := binary.LittleEndian.Uint32(b[20:]); !ok || linkType != 1 {
		t.Fatalf("%s: magic %#x, link type %d", name, magic, linkType)
	}
	index := indexOf(name)
	for b = b[24:]; len(b) > 0; {
		size := binary.LittleEndian.Uint32(b[8:])
		at := time.Unix(int64(binary.LittleEndian.Uint32(b)), int64(binary.LittleEndian.Uint32(b[4:]))*int64(unit))
		frame := b[16 : 16+size]
		b = b[16+size:]
		records = append(records, record{file: name, frame: len(records) + 1, packet: packet{
			data: frame[14:], index: index, at: at, unfinished: true,
			outgoing: string(frame[6:11]) == "\x02\x00\x00\x00\xb0",
		}})
	}
	return records
}

func indexOf(name string) int {
	for n, s := range map[binding.Interface]string{acc0: "acc0", acc1: "acc1", acc2: "acc2", core: "core"} {
		if strings.HasSuffix(name, "-"+s+".pcap") {
			return int(n)
		}
	}
	return 0
}

// scenario merges the captures of one run by their time.
func scenario(t testing.TB, files ...string) (all []record) {
	for _, f := range files {
		all = append(all, readPcap(t, f+".pcap")...)
	}
	slices.SortStableFunc(all, func(a, b record) int { return a.at.Compare(b.at) })
	return all
}

// captureFiles lists the captures.
func captureFiles(t testing.TB) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "relay", "*.pcap"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	return names
}
