package gleaner

import (
	"encoding/binary"
	"testing"

	"leaseroute/binding"
)

// BenchmarkExchange decodes and matches a Request and the Reply to it, of as
// many clients as a busy router has, and applies nothing.
func BenchmarkExchange(b *testing.B) {
	m := newBench(nil)
	ask, answer := cat(ask1), cat(answer1)
	askXID, answerXID := header6+headerUDP+2, header6+headerUDP+relayHeader+4+2
	batch := binding.NewBatch()
	defer func() { batch.Free() }()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		xid := uint16(n)
		binary.BigEndian.PutUint16(ask[askXID:], xid)
		binary.BigEndian.PutUint16(answer[answerXID:], xid)
		m.take(&packet{data: ask, index: int(acc0), unfinished: true, at: m.now}, batch)
		if got := m.take(&packet{data: answer, index: int(core), unfinished: true, at: m.now}, batch); got != taught {
			b.Fatal(counterNames[got])
		}
		if batch.Full() {
			batch.Free()
			batch = binding.NewBatch()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*b.N), "ns/message")
}

// BenchmarkFlood is Requests of clients that were never seen before.
func BenchmarkFlood(b *testing.B) {
	m := newBench(nil)
	ask := cat(ask1)
	duid := header6 + headerUDP + 4 + 4 + 2
	batch := binding.NewBatch()
	defer batch.Free()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		binary.BigEndian.PutUint64(ask[duid:], uint64(n))
		if got := m.take(&packet{data: ask, index: int(acc0), unfinished: true, at: m.now}, batch); got != opened {
			b.Fatal(counterNames[got])
		}
	}
}

// BenchmarkChecksum is what a finished checksum costs on top.
func BenchmarkChecksum(b *testing.B) {
	for b.Loop() {
		if _, _, ok := parseDatagram(answer1, true); !ok {
			b.Fatal("dropped")
		}
	}
}
