package lqserver

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
)

// BenchmarkStream streams bindings over a TCP connection on loopback to a
// reader that throws them away.
func BenchmarkStream(b *testing.B) {
	for _, bm := range []struct {
		name   string
		manner Manner
	}{{"one CLIENT_DATA a client", Manner{AlwaysRelayData: true}}, {"as Kea", Kea()}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			store, err := Generate(Plan{
				Clients: b.N, Block: netip.MustParsePrefix("2001:db8:8000::/33"),
				Links: testLinks(4), Enterprise: 2495,
			})
			must(b, err)
			l, err := net.Listen("tcp", "[::1]:0")
			must(b, err)
			s, err := New(Options{Listener: l, DUID: testDUID, Manner: bm.manner}, store)
			must(b, err)
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx) }()
			conn, err := net.Dial("tcp", l.Addr().String())
			must(b, err)
			b.ResetTimer()
			_, err = conn.Write(byRelayID(testRelayID).frame())
			must(b, err)
			must(b, conn.(*net.TCPConn).CloseWrite())
			n, err := io.Copy(io.Discard, conn)
			must(b, err)
			b.StopTimer()
			b.SetBytes(n / int64(b.N))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "bindings/s")
			cancel()
			must(b, <-ended)
		})
	}
}
