package ondemand

import (
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"
)

// unhex decodes hexadecimal digits and ignores spaces.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// holds reports whether one of the spans holds a key.
func holds(spans []span, key []byte) (n int) {
	for _, s := range spans {
		if slices.Compare(s.start, key) <= 0 && (s.end == nil || slices.Compare(key, s.end) < 0) {
			n++
		}
	}
	return n
}

func TestBlockSpans(t *testing.T) {
	tests := []struct {
		name   string
		blocks []string
		want   string
	}{
		{"a length inside an octet", []string{"100.72.0.0/13"}, "64480000-64500000"},
		{"a single address", []string{"100.72.0.255/32"}, "644800ff-64480100"},
		{"the last address", []string{"255.255.255.255/32"}, "ffffffff-"},
		{"all", []string{"0.0.0.0/0"}, "00000000-"},
		{"one inside another", []string{"100.72.0.0/16", "100.72.1.0/24"}, "64480000-64490000"},
		{"one beside another", []string{"100.73.0.0/16", "100.72.0.0/16"}, "64480000-644a0000"},
		{"two apart", []string{"100.74.0.0/16", "100.72.0.0/16"}, "64480000-64490000 644a0000-644b0000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var blocks []netip.Prefix
			for _, b := range tt.blocks {
				blocks = append(blocks, netip.MustParsePrefix(b))
			}
			var got []string
			for _, s := range blockSpans(blocks) {
				got = append(got, hex.EncodeToString(s.start)+"-"+hex.EncodeToString(s.end))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The spans hold the names that the patterns match, each once.
func TestPorts(t *testing.T) {
	names := []string{"lo", "acc", "acc0", "acc1", "acc10", "acc12345678901", "acd", "core0", "core00", "ppp0", "ppp9", "ppp10", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}
	patterns := []string{"acc*", "acc1", "acc1*", "*", "core0", "c*", "ppp[0-8]", "ppp?", "?cc*", "\xff*", "acc12345678901234", "nothing"}
	var now []Interface
	for _, n := range names {
		now = append(now, Interface{Name: n})
	}
	some := func() (out []string) {
		for range rand.IntN(4) {
			out = append(out, patterns[rand.IntN(len(patterns))])
		}
		return out
	}
	matches := func(patterns []string, name string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, name); return ok })
	}
	for range 2000 {
		o := Options{Access: some(), Core: some()}
		access, core := ports(&o, now)
		for _, n := range names {
			key := make([]byte, nameSize)
			copy(key, n)
			isCore := matches(o.Core, n)
			isAccess := matches(o.Access, n) && !isCore
			if got := holds(core, key); got != flag(isCore) {
				t.Fatalf("%+v: core holds %q %d times, want %t", o, n, got, isCore)
			}
			if got := holds(access, key); got != flag(isAccess) {
				t.Fatalf("%+v: access holds %q %d times, want %t", o, n, got, isAccess)
			}
		}
	}
}
