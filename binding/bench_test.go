package binding

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crowd makes the statements of a bulk run about n clients with a /56 each,
// by a DUID-LL and a link-local next hop, in batches as a requestor sends them.
func crowd(n int, received time.Time) []*Batch {
	var batches []*Batch
	b := &Batch{Observations: make([]Observation, 0, BatchSize)}
	for i := range n {
		b.Observations = append(b.Observations, member(i, received))
		if b.Full() || i == n-1 {
			batches = append(batches, b)
			b = &Batch{Observations: make([]Observation, 0, BatchSize)}
		}
	}
	return batches
}

var crowdServer = []byte{0, 2, 0, 0, 9, 191, 1, 2, 3, 4}

func member(i int, received time.Time) Observation {
	addr := netip.MustParseAddr("2001:db8::").As16()
	binary.BigEndian.PutUint32(addr[3:], binary.BigEndian.Uint32(addr[3:])|uint32(i))
	client := binary.BigEndian.AppendUint64([]byte{0, 3, 0, 1}, uint64(i)<<16)[:10]
	gateway := netip.MustParseAddr("fe80::").As16()
	binary.BigEndian.PutUint64(gateway[8:], uint64(i)+1)
	return Observation{
		Key:    Key{Prefix: netip.PrefixFrom(netip.AddrFrom16(addr), 56)},
		Source: FromBulk, Server: 1, Client: client, ServerDUID: crowdServer,
		Received: received, CLT: received.Add(-100 * time.Second),
		ValidUntil: received.Add(86300 * time.Second), PreferredUntil: received.Add(43200 * time.Second),
		Interface: 3, NextHop: netip.AddrFrom16(gateway),
	}
}

var crowdPolicy = Policy{
	Allowed: []netip.Prefix{netip.MustParsePrefix("2001:db8::/24")}, MinLength: 48, MaxLength: 64,
	MaxPerClient: 8, FailSafeMargin: 10 * time.Minute,
}

const million = 1_000_000

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// apply hands the table all batches and answers the changes.
func apply(t *Table, now time.Time, batches []*Batch, out []Change) (changes int, _ []Change) {
	for _, b := range batches {
		out = t.Apply(now, b, out[:0])
		t.Record(now, out, nil)
		changes += len(out)
	}
	return changes, out
}

// threadTime is the CPU time that this thread has used: what other processes
// do meanwhile does not count.
func threadTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkApply is about the size and speed that DESIGN.md 6 asks for.
func BenchmarkApply(b *testing.B) {
	base := time.Now()
	b.Run("new", func(b *testing.B) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		batches := crowd(million, base)
		out := make([]Change, 0, BatchSize)
		for b.Loop() {
			before := heap()
			table := New(crowdPolicy, base)
			start := threadTime(b)
			n, _ := apply(table, base, batches, out)
			b.ReportMetric(float64(threadTime(b)-start)/million, "cpu-ns/binding")
			if n != million {
				b.Fatalf("%d changes, want %d", n, million)
			}
			b.ReportMetric(float64(heap()-before)/million, "B/binding")
			runtime.KeepAlive(table)
		}
	})
	b.Run("again", func(b *testing.B) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		table := New(crowdPolicy, base)
		out := make([]Change, 0, BatchSize)
		apply(table, base, crowd(million, base), out)
		later := base.Add(50 * time.Second)
		batches := crowd(million, later)
		for _, batch := range batches {
			for i := range batch.Observations {
				o := &batch.Observations[i]
				o.CLT = base.Add(-100 * time.Second)
				o.ValidUntil, o.PreferredUntil = base.Add(86300*time.Second), base.Add(43200*time.Second)
			}
		}
		for b.Loop() {
			start := threadTime(b)
			if n, _ := apply(table, later, batches, out); n != 0 {
				b.Fatalf("%d changes, want none", n)
			}
			b.ReportMetric(float64(threadTime(b)-start)/million, "cpu-ns/binding")
		}
	})
}
