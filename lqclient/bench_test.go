package lqclient

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// BenchmarkDrain drains an answer of 100,000 bindings from the loopback into
// batches: the part of a recovery that is ours, without the table and routes.
// "bare" only reads the octets, as a yardstick.
func BenchmarkDrain(b *testing.B) {
	const bindings = 100_000
	stream := longAnswer(bindings)
	b.Run("observations", func(b *testing.B) {
		options := Options{Resolve: func([]binding.Relay) (binding.Interface, netip.Addr) { return 1, netip.Addr{} }}
		b.ReportAllocs()
		for b.Loop() {
			drain(b, stream, bindings, options)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/bindings, "ns/binding")
	})
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			s := listen(b, func(p *peer) { p.must(); _, _ = p.socket.Write(stream(wire.TransactionID{})) })
			socket, err := net.Dial("tcp", s.Address.String())
			must(b, err)
			query, err := byRelayID.Append(nil, wire.TransactionID{}, ourDUID, nil)
			must(b, err)
			frame, err := wire.AppendFrame(nil, query)
			must(b, err)
			_, err = socket.Write(frame)
			must(b, err)
			buffer := make([]byte, 256<<10)
			for err == nil {
				_, err = socket.Read(buffer)
			}
			socket.Close()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/bindings, "ns/binding")
	})
}

// BenchmarkQuestion asks one question after the other, of a server that answers
// with two writes and leaves Nagle's algorithm on, as Kea does: what bounds the
// rate at which suspects are settled.
func BenchmarkQuestion(b *testing.B) {
	s := listen(b, func(p *peer) {
		_ = p.socket.(*net.TCPConn).SetNoDelay(false)
		always(holding("2001:db8:8000::/56"))(0, p)
	})
	conn, err := Dial(b.Context(), s, ourDUID, nil)
	must(b, err)
	ran := make(chan error)
	go func() { ran <- conn.Run(b.Context()) }()
	for b.Loop() {
		_, err := conn.Do(b.Context(), byRelayID, func(Part) error { return nil })
		must(b, err)
	}
	conn.Close()
	must(b, <-ran)
}

// longAnswer returns a function that gives the whole answer to the query with
// that transaction-id, as a stream of frames.
func longAnswer(bindings int) func(wire.TransactionID) []byte {
	var stream []byte
	var ids []int // where the transaction-ids are
	add := func(message []byte) {
		ids = append(ids, len(stream)+3)
		stream, _ = wire.AppendFrame(stream, message)
	}
	for i := range bindings {
		duid := binary.BigEndian.AppendUint32([]byte("\x00\x03\x00\x01\x02\x00"), uint32(i))
		p := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0x80, byte(i >> 16), byte(i >> 8), byte(i)}), 64)
		c := clientData(clientID(duid), prefix(p.String(), 1800, 3600), clt(10), relayData("2001:db8:1::1", "fe80::1", "acc0"))
		if i == 0 {
			add(reply(wire.TransactionID{}, c))
		} else {
			add(data(wire.TransactionID{}, c))
		}
	}
	add(done(wire.TransactionID{}))
	return func(id wire.TransactionID) []byte {
		for _, at := range ids {
			copy(stream[at:], id[:])
		}
		return stream
	}
}

// drain asks for the stream once.
func drain(b *testing.B, stream func(wire.TransactionID) []byte, bindings int, o Options) {
	s := listen(b, func(p *peer) {
		_, _ = p.socket.Write(stream(p.must().id))
		p.closed()
	})
	out := make(chan *binding.Batch, 16)
	counted := make(chan int)
	go func() {
		n := 0
		for batch := range out {
			n += len(batch.Observations)
			batch.Free()
		}
		counted <- n
	}()
	n := newNotes(nil)
	d := newDecoder(&o, &s, binding.FromBulk, n, outbox{ctx: b.Context(), out: out})
	if _, err := askOnce(b.Context(), dialTCP, s, ourDUID, byRelayID, n, d); err != nil {
		b.Fatal(err)
	}
	close(out)
	if got := <-counted; got != bindings {
		b.Fatalf("%d bindings, want %d", got, bindings)
	}
}
