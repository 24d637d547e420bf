package wire

import (
	"errors"
	"testing"

	"leaseroute/binding"
)

// truncated calls check with every head of b, b itself left out. A head ends
// where its memory ends, so that reading on would panic.
func truncated(b []byte, check func(head []byte)) {
	for n := range b {
		check(b[:n:n])
	}
}

// TestTruncated cuts every capture short, at every octet.
func TestTruncated(t *testing.T) {
	for name, frame := range captures(t) {
		t.Run("C17 R33 "+name, func(t *testing.T) {
			truncated(frame, func(head []byte) {
				if _, err := Parse(head, 0); err != nil && !errors.Is(err, ErrMalformed) {
					t.Errorf("%d octets: %v", len(head), err)
				}
				describe(head, 0)
			})
			m, err := Parse(frame, 0)
			if err != nil {
				return
			}
			if data, _, ok := m.NextClientData(0); ok {
				truncatedClientData(t, data)
			}
		})
	}
}

// truncatedClientData does the same with a client data and its relay data. A
// cut that is between two options loses what is behind it, and any other all.
func truncatedClientData(t *testing.T, data []byte) {
	whole, err := ParseClientData(data, 0)
	must(t, err)
	truncated(data, func(head []byte) {
		c, err := ParseClientData(head, 0)
		if between := checkOptions(head) == nil; between != (err == nil) {
			t.Errorf("client data of %d octets: %v", len(head), err)
		}
		for at, ok := 0, true; ok; {
			_, at, ok, _ = c.NextLease(at)
		}
	})
	_, relays, _ := ParseRelayData(whole.RelayData, nil)
	truncated(whole.RelayData, func(head []byte) {
		_, some, err := ParseRelayData(head, nil)
		if len(some) > len(relays) || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("relay data of %d octets: %d relays, %v", len(head), len(some), err)
		}
	})
}

func TestParseDoesNotAllocate(t *testing.T) {
	frame, relays := dataMessage(t), make([]binding.Relay, 0, MaxRelays)
	if n := testing.AllocsPerRun(100, func() { walk(t, frame, relays) }); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}
