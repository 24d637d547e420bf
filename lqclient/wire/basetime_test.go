package wire

import (
	"testing"
	"time"
)

func TestBaseTime(t *testing.T) {
	for name, tt := range map[string]struct {
		seconds uint32
		want    string
	}{
		"C15 zero is the year 2000":     {0, "2000-01-01T00:00:00Z"},
		"C15 8766 days later":           {8766 * 86400, "2024-01-01T00:00:00Z"},
		"C15 the last one, of the 2136": {0xffffffff, "2136-02-07T06:28:15Z"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := BaseTime(tt.seconds).Format(time.RFC3339); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestClock(t *testing.T) {
	type message struct {
		received, base int64 // seconds after opened; the server's, any zero
		want           int64 // made, seconds after opened
	}
	tests := []struct {
		name     string
		messages []message
	}{
		{"R72 messages that are read at once were made when received", []message{{1, 500, 1}, {2, 501, 2}, {9, 508, 9}}},
		{"R72 a message that waited was made earlier", []message{{1, 500, 1}, {5, 502, 3}, {9, 503, 4}}},
		{"R72 the one that waited least sets the clock", []message{{10, 500, 10}, {11, 505, 11}, {12, 503, 9}, {13, 507, 13}}},
		{"R72 a server's clock set back does not reach behind the connection", []message{{5, 500, 5}, {6, 100, 0}}},
		{"R72 a server's clock set ahead counts from then on", []message{{5, 500, 5}, {6, 900, 6}, {7, 901, 7}}},
		{"R72 base times wrap", []message{{1, 0xfffffffe, 1}, {3, 0x100000000, 3}, {5, 0x100000000, 3}}},
	}
	opened := time.Unix(1_000_000, 0)
	at := func(s int64) time.Time { return opened.Add(time.Duration(s) * time.Second) }
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewClock(opened)
			for i, m := range tt.messages {
				s := Stamp{BaseTime: uint32(m.base), HasBaseTime: true}
				if got := c.Made(at(m.received), &s); !got.Equal(at(m.want)) {
					t.Errorf("message %d: made after %s, want %ds", i, got.Sub(opened), m.want)
				}
			}
		})
	}
	t.Run("R72 without a base time a message was made when received", func(t *testing.T) {
		if got := NewClock(opened).Made(at(7), &Stamp{BaseTime: 500}); !got.Equal(at(7)) {
			t.Errorf("made after %s", got.Sub(opened))
		}
	})
}
