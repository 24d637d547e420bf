package ondemand

import (
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"leaseroute/test/lab"
)

// BenchmarkNFTForwarding compares what it costs to forward a packet of a known
// source with and without the table: pairs in one run, in turns. The packets
// come from a generator on the same processor and end at the far side, so the
// numbers hold sending, receiving, forwarding and dropping; the ratio is to
// that.
func BenchmarkNFTForwarding(b *testing.B) {
	for _, bb := range []struct {
		name    string
		sources uint16
	}{{"one source", 1}, {"1000 sources", 1000}} {
		b.Run(bb.name, func(b *testing.B) {
			s := newSite(b)
			const sink = "2001:db8:ffff::1" // nobody's: the server drops what is for others
			s.route("add 2001:db8:ffff::/48 via %s dev core0", lab.ServerAddress)
			s.route("add 2001:db8:8000::/40 via fe80::2 dev acc0 proto 158")
			_, err := s.Server.Ping(b.Context(), lab.RouterAddress) // so that the neighbour is known
			must(b, err)
			template := s.frame("acc0", hostMAC(1), lab.Delegated.Addr().Next(), netip.MustParseAddr(sink), nil)
			round := func() float64 {
				const packets, source = 300_000, 14 + 8
				var n uint16
				began := time.Now()
				sent, err := s.ports["acc0"].Flood(context.Background(), packets, func(frame []byte) int {
					copy(frame, template)
					if n++; n >= bb.sources {
						n = 0
					}
					binary.BigEndian.PutUint16(frame[source+5:], n)
					return len(template)
				})
				must(b, err)
				return float64(time.Since(began).Nanoseconds()) / float64(sent)
			}
			round()
			var without, with, ratios []float64
			for b.Loop() {
				bare := round()
				w := s.watch(func(o *Options) { o.Rates, o.Pend = Rates{}, 0 })
				ruled := round()
				must(b, w.stop())
				without, with, ratios = append(without, bare), append(with, ruled), append(ratios, ruled/bare)
			}
			for unit, values := range map[string][]float64{"ns/packet-without": without, "ns/packet-with": with, "x-of-without": ratios} {
				slices.Sort(values)
				b.ReportMetric(values[len(values)/2], unit)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
