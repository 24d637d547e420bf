package routes

import (
	"errors"
	"maps"
	"testing"
)

const listenersHead = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"

func TestParseListeners(t *testing.T) {
	tests := []struct {
		name, text string
		want       map[uint64]ear
		err        error
	}{
		{"who hears of IPv6 routes, as Linux 6.18 tells it", listenersHead +
			"00000000b1edda2c 0   2698484130 00000000 0        0        0     2        0        844651  \n" +
			"00000000a5ec668d 0   13018      800405f5 1280     0        0     2        70209    844649  \n" +
			"00000000ba3282f2 4   0          00000400 0        0        0     2        5        838092  \n",
			map[uint64]ear{844649: {70209, 1280}}, nil},
		{"a counter that was printed as a negative number", listenersHead +
			"00000000a5ec668d 0   13018      00000400 0        0        0     2        -1       7       \n",
			map[uint64]ear{7: {1<<32 - 1, 0}}, nil},
		{"columns in another order, and one more", "Inode Groups New Drops Eth Rmem\n9 00000400 x 3 0 5\n", map[uint64]ear{9: {3, 5}}, nil},
		{"nobody", listenersHead, map[uint64]ear{}, nil},
		{"nothing at all", "", nil, errNoListeners},
		{"a column is missing", "sk Eth Pid Groups Rmem Inode\n", nil, errNoListeners},
		{"a line is cut off", listenersHead + "00000000a5ec668d 0   13018      00000400\n", nil, errNoListeners},
		{"no number", listenersHead + "0 0 0 00000400 0 0 0 2 many 7\n", nil, errNoListeners},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseListeners(tt.text)
			if !maps.Equal(got, tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("parseListeners = %v, %v; want %v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func FuzzListeners(f *testing.F) {
	f.Add(listenersHead + "00000000a5ec668d 0   13018      800405f5 0        0        0     2        70209    844649  \n")
	f.Add("Inode Groups Drops Eth Rmem\n9 00000400 3 0 5\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseListeners(text)
		if err != nil && (!errors.Is(err, errNoListeners) || got != nil) {
			t.Errorf("parseListeners = %v, %v", got, err)
		}
	})
}
