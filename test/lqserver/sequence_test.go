package lqserver

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

const sequenceCode = 65004

// numbers returns the sequence numbers of messages, "-" where there is none.
func numbers(messages []*dhcpv6.Message) string {
	var words []string
	for _, m := range messages {
		switch v := value(m.Options.Options, sequenceCode); len(v) {
		case 0:
			words = append(words, "-")
		case 4:
			words = append(words, fmt.Sprintf("short:%d", binary.BigEndian.Uint32(v)))
		case 8:
			words = append(words, fmt.Sprint(binary.BigEndian.Uint64(v)))
		}
	}
	return strings.Join(words, " ")
}

func TestSequenceNumbers(t *testing.T) {
	inData := func(o *Options) { o.SequenceInData = true }
	fault := func(f Faults) func(*Options) {
		return func(o *Options) { o.SequenceInData, o.Faults = true, f }
	}
	tests := []struct {
		name          string
		change        func(*Options)
		first, second string // two queries on connections of their own: REPLY, DATA, DONE
	}{
		{"S16: in the REPLY, strictly increasing over the server's life", nil, "1 - -", "2 - -"},
		{"S16: in DATA too", inData, "1 2 -", "3 4 -"},
		{"S16 knob: omit", fault(Faults{Sequence: SequenceOmit}), "- - -", "- - -"},
		{"S16 knob: repeat", fault(Faults{Sequence: SequenceRepeat}), "1 1 -", "1 1 -"},
		{"S16 knob: step", fault(Faults{Sequence: SequenceStep}), "1000 2000 -", "3000 4000 -"},
		{"S16 knob: jump", fault(Faults{Sequence: SequenceJump}), "1099511627776 2199023255552 -", "3298534883328 4398046511104 -"},
		{"S16 knob: reset", fault(Faults{Sequence: SequenceReset}), "1 2 -", "1 2 -"},
		{"S16 knob: 4-octet", fault(Faults{SequenceOctets: 4}), "short:1 short:2 -", "short:3 short:4 -"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, fixture(), func(o *Options) {
				o.SequenceOption = sequenceCode
				if tt.change != nil {
					tt.change(o)
				}
			})
			for _, want := range []string{tt.first, tt.second} {
				if got := numbers(messages(t, s, byLink("2001:db8:2::1"))); got != want {
					t.Errorf("sequence numbers %q, want %q", got, want)
				}
			}
		})
	}
	t.Run("S16: a binding's own number", func(t *testing.T) {
		l := fixture()
		for _, b := range l.All() {
			b.Sequence = 42
			l.Set(b)
		}
		s := serve(t, l, func(o *Options) { o.SequenceOption = sequenceCode })
		if got := numbers(messages(t, s, byLink("2001:db8:2::1"))); got != "42 42 -" {
			t.Errorf("sequence numbers %q", got)
		}
	})
	t.Run("S16: none while the dialect is off", func(t *testing.T) {
		if got := numbers(messages(t, serve(t, fixture(), nil), byLink("2001:db8:2::1"))); got != "- - -" {
			t.Errorf("sequence numbers %q", got)
		}
	})
}
