package routes

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"leaseroute/binding"
)

// bare is the yardstick (LIMITS.md): the routes encoded beforehand, in batches
// on one socket, with one answer a batch and nothing else.
type bare struct {
	batches [][]byte
	ends    []uint32 // sequence number of each batch's last message
}

func newBare(changes []binding.Change, k *Kernel) *bare {
	o := &bare{}
	e := newEncoder(k.options.Table, k.options.Protocol)
	var b []byte
	for i := range changes {
		c := &changes[i]
		r := route{prefix: c.Key.Prefix, gateway: c.NextHop, index: k.links.now.Load().port(c.Interface).index, metric: k.options.Metric, kind: unix.RTN_UNICAST}
		at := len(b)
		b = e.append(b, create, uint32(i+1), &r)
		if (i+1)%maxBatch == 0 || i == len(changes)-1 {
			native.PutUint16(b[at+6:], native.Uint16(b[at+6:])|unix.NLM_F_ACK)
			o.batches, o.ends, b = append(o.batches, slices.Clone(b)), append(o.ends, uint32(i+1)), b[:0]
		}
	}
	return o
}

func (o *bare) run(l *lab) time.Duration {
	var s *socket
	l.in(func() (err error) { s, err = openSocket(); return err })
	defer s.close()
	began := time.Now()
	for i, b := range o.batches {
		s.out = b
		must(l.t, s.send())
		answer := make([]job, 1)
		must(l.t, s.answers(o.ends[i], answer))
		if answer[0].answer.errno != 0 {
			l.t.Fatal(answer[0].answer.errno)
		}
	}
	return time.Since(began)
}

// BenchmarkApply compares Apply with bare: pairs in one run, each with a
// network namespace of its own, in turns. The number of routes is in
// LEASEROUTE_BENCH_ROUTES (100000), that of pairs in LEASEROUTE_BENCH_PAIRS
// (5), that of changes in one call in LEASEROUTE_BENCH_WINDOW (4096).
func BenchmarkApply(b *testing.B) {
	needRoot(b)
	n, pairs, window := number("LEASEROUTE_BENCH_ROUTES", 100_000), number("LEASEROUTE_BENCH_PAIRS", 5), number("LEASEROUTE_BENCH_WINDOW", 4096)
	for _, order := range []string{"sorted", "random"} {
		b.Run(fmt.Sprintf("%d routes, %s", n, order), func(b *testing.B) {
			var ratios, applied, bares []float64
			for range pairs {
				x, y := pair(b, n, window, order == "random")
				ratios, applied, bares = append(ratios, x.Seconds()/y.Seconds()), append(applied, x.Seconds()), append(bares, y.Seconds())
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(applied), "s/apply")
			b.ReportMetric(median(bares), "s/bare")
			b.ReportMetric(median(ratios), "ratio")
		})
	}
}

// pair times Apply, then bare, on the same changes.
func pair(b *testing.B, n, window int, shuffle bool) (applied, bare time.Duration) {
	l := newLab(b)
	k := l.open(options())
	changes := manyChanges(k, n)
	if shuffle {
		shuffled(changes)
	}
	began := time.Now()
	for part := range slices.Chunk(changes, window) {
		if f := l.apply(k, part...); f != nil {
			b.Fatalf("failures %+v", f[0])
		}
	}
	applied = time.Since(began)
	must(b, k.RemoveAll(context.Background()))
	l = newLab(b)
	k = l.open(options())
	bare = newBare(changes, k).run(l)
	must(b, k.RemoveAll(context.Background()))
	return applied, bare
}

func shuffled(changes []binding.Change) {
	// A step that has no factor in common with any power of ten.
	out := slices.Clone(changes)
	for i := range changes {
		changes[i] = out[(i*7919)%len(out)]
	}
}

func number(key string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(key)); err == nil {
		return n
	}
	return otherwise
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkDump reads 100000 routes.
func BenchmarkDump(b *testing.B) {
	l := newLab(b)
	k := l.open(options())
	l.apply(k, manyChanges(k, 100_000)...)
	b.ReportAllocs()
	for b.Loop() {
		must(b, k.Dump(context.Background(), func([]binding.Route) error { return nil }))
	}
}

// BenchmarkRefresh rewrites 100000 expiries.
func BenchmarkRefresh(b *testing.B) {
	l := newLab(b)
	o := options()
	o.FailSafe = true
	k := l.open(o)
	changes := manyChanges(k, 100_000)
	until := time.Now().Add(time.Hour)
	for i := range changes {
		changes[i].ValidUntil = until
	}
	l.apply(k, changes...)
	for i := range changes {
		changes[i].Op = binding.Refresh
	}
	for b.Loop() {
		l.apply(k, changes...)
	}
}

// BenchmarkReinstall installs 100000 routes that are there.
func BenchmarkReinstall(b *testing.B) {
	l := newLab(b)
	k := l.open(options())
	changes := manyChanges(k, 100_000)
	l.apply(k, changes...)
	for b.Loop() {
		l.apply(k, changes...)
	}
}

// BenchmarkPlan is what Apply does beside the kernel.
func BenchmarkPlan(b *testing.B) {
	l := newLab(b)
	k := l.open(options())
	changes := manyChanges(k, 4096)
	slices.SortFunc(changes, func(a, b binding.Change) int { return netip.Prefix.Compare(a.Key.Prefix, b.Key.Prefix) })
	b.ReportAllocs()
	for b.Loop() {
		w := k.newWork(changes)
		k.places = order(k.places[:0], changes)
		for _, p := range k.places {
			j := w.plan(int(p.index), &changes[p.index])
			k.socket.out = k.encoder.append(k.socket.out[:0], j.step, 1, &j.route)
		}
	}
}
