//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"leaseroute/test/lab"
)

const (
	// delayed is how many leases are timed.
	delayed = 5000
	// breath lies between the messages: the daemon sleeps when one comes, as it
	// does on a router where not much is going on.
	breath = time.Millisecond
	// overdue is when a route is given up.
	overdue = 10 * time.Second
)

// A delay is how long one route took, each time, in milliseconds.
type delay struct {
	product series // from before the Reply is sent until the kernel has told of the route
	bare    series // from before one netlink message is sent until its answer is read
}

// gleanDelay measures how soon a route follows the Reply, in turns with bare
// inserts of the same routes, one message each, in another namespace.
func (b *bench) gleanDelay(ctx context.Context) (results []result, err error) {
	say("from the Reply to the route, %d times, beside bare inserts", delayed)
	var d delay
	err = fresh(ctx, func(ctx context.Context, e *lab.Edge) error { return d.measure(ctx, b, e) })
	if err != nil {
		return nil, err
	}
	return []result{d.result()}, nil
}

func (d *delay) measure(ctx context.Context, b *bench, e *lab.Edge) error {
	targets, err := crowd(delayed).targets(e)
	if err != nil {
		return err
	}
	w, err := newTraffic(e, targets)
	if err != nil {
		return err
	}
	defer w.close()
	subscribers := e.Access[0].Subscribers
	inserts, err := newBare(through("wan0", targets), subscribers, 1)
	if err != nil {
		return err
	}
	fd, err := routeSocket(subscribers)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	daemon, err := b.watch(ctx, e)
	if err != nil {
		return err
	}
	m, err := newMonitor(e.Router)
	if err != nil {
		return err
	}
	defer m.close()
	for n, t := range targets {
		if err := errors.Join(ctx.Err(), d.glean(w, m, n, t), d.insert(fd, inserts.batches[n])); err != nil {
			return err
		}
	}
	return daemon.complete(ctx, e, delayed)
}

// through are the same targets by another interface.
func through(dev string, targets []target) []target {
	moved := slices.Clone(targets)
	for i := range moved {
		moved[i].Dev = dev
	}
	return moved
}

// glean times one lease.
func (d *delay) glean(w *traffic, m *monitor, n int, t target) error {
	time.Sleep(breath)
	if err := w.ask(n); err != nil {
		return err
	}
	time.Sleep(breath)
	began := time.Now()
	if err := w.answer(n); err != nil {
		return err
	}
	err := m.await(t.Prefix, overdue)
	d.product = append(d.product, milliseconds(time.Since(began)))
	return err
}

// insert times one bare insert.
func (d *delay) insert(fd int, message []byte) error {
	answer := make([]byte, 4096)
	time.Sleep(breath)
	began := time.Now()
	err := sendBatch(fd, message, answer)
	d.bare = append(d.bare, milliseconds(time.Since(began)))
	return err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (d *delay) result() result {
	show := func(s series) string { return fmt.Sprintf("%.3f ms, 99 %%: %.3f", s.median(), s.quantile(0.99)) }
	return result{
		what:      fmt.Sprintf("from a Reply to its route, %d times", delayed),
		product:   show(d.product),
		yardstick: "bare insert " + show(d.bare),
		ratio:     fmt.Sprintf("%.1f", d.product.median()/d.bare.median()),
	}
}
