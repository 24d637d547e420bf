package wire

import (
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/binding"
)

// leaseSum keeps what walk found, so that no work is optimised away.
var leaseSum uint64

// walk reads all of a message, as a requestor does.
func walk(b testing.TB, frame []byte, relays []binding.Relay) {
	m, err := Parse(frame, 0)
	if err != nil {
		b.Fatal(err)
	}
	for at := 0; ; {
		value, next, ok := m.NextClientData(at)
		if !ok {
			return
		}
		at = next
		c, err := ParseClientData(value, 0)
		if err != nil {
			b.Fatal(err)
		}
		c.Inherit(&m)
		for at := 0; ; {
			l, next, ok, err := c.NextLease(at)
			if !ok {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			at = next
			leaseSum += uint64(l.Valid) + uint64(l.Prefix.Bits())
		}
		_, relays, err = ParseRelayData(c.RelayData, relays[:0])
		if err != nil {
			b.Fatal(err)
		}
		leaseSum += uint64(len(relays))
	}
}

// walkWithLibrary reads the same with the library alone.
func walkWithLibrary(b *testing.B, frame []byte) {
	m, err := dhcpv6.MessageFromBytes(frame)
	if err != nil {
		b.Fatal(err)
	}
	for _, o := range m.GetOption(dhcpv6.OptionClientData) {
		var options dhcpv6.Options
		if err := options.FromBytes(o.ToBytes()); err != nil {
			b.Fatal(err)
		}
		for _, o := range options.Get(dhcpv6.OptionLQRelayData) {
			if _, err := dhcpv6.RelayMessageFromBytes(o.ToBytes()[addressLength:]); err != nil {
				b.Fatal(err)
			}
		}
		leaseSum += uint64(len(options))
	}
}

// BenchmarkParse reads one LEASEQUERY-DATA to the bottom. x-library says how
// many times longer the library takes, measured in turns within the same run.
func BenchmarkParse(b *testing.B) {
	frame, relays := dataMessage(b), make([]binding.Relay, 0, MaxRelays)
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		walk(b, frame, relays)
	}
	b.ReportMetric(ratio(func() { walkWithLibrary(b, frame) }, func() { walk(b, frame, relays) }), "x-library")
}

// ratio returns how many times longer slow takes than fast, in turns.
func ratio(slow, fast func()) float64 {
	var s, f time.Duration
	for range 100 {
		s += elapsed(slow)
		f += elapsed(fast)
	}
	return float64(s) / float64(f)
}

// elapsed is the time that some calls take.
func elapsed(call func()) time.Duration {
	start := time.Now()
	for range 200 {
		call()
	}
	return time.Since(start)
}
