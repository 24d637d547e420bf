//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

const (
	// gleanRate is how many messages a second pass, half of them from clients
	// and half from the server, and gleanTime for how long.
	gleanRate = 20_000
	gleanTime = 10 * time.Second
	// exchanges is how many exchanges that makes.
	exchanges = int(gleanTime/time.Second) * gleanRate / 2
)

// A gleaning measures what it takes to follow the relayed traffic, beside a
// program that only reads it.
type gleaning struct {
	*bench
	crowd crowd

	lost, tapLost uint64 // by the kernel's count, in all runs
	share, tap    series // of one core
	rate          series // messages a second that really passed
}

// gleanRate measures with renewals of a few subscribers, and with exchanges
// that are all the first of their client.
func (b *bench) gleanRate(ctx context.Context) (results []result, err error) {
	for _, c := range []struct {
		what    string
		clients crowd
	}{
		{"renewals", 1000},
		{"new leases", crowd(exchanges)},
	} {
		say("%d messages/s for %s, %s", gleanRate, gleanTime, c.what)
		g := &gleaning{bench: b, crowd: c.clients}
		if _, err := alternate(ctx, b.pairs, g.product, g.yardstick); err != nil {
			return results, err
		}
		say("  %.0f messages/s at least; lost by the product %d, by the yardstick %d", slices.Min(g.rate), g.lost, g.tapLost)
		results = append(results, g.result(c.what))
	}
	return results, nil
}

// product has the daemon glean, and returns the CPU time that it took.
func (g *gleaning) product(ctx context.Context) (used time.Duration, err error) {
	err = g.amid(ctx, func(ctx context.Context, e *lab.Edge, w *traffic) error {
		d, err := g.watch(ctx, e)
		if err != nil {
			return err
		}
		before, err := cpu(d.process.Pid())
		if err != nil {
			return err
		}
		took, err := g.flow(ctx, w)
		if err != nil {
			return err
		}
		s, err := d.gleaned(ctx, uint64(2*exchanges))
		if err != nil {
			return err
		}
		after, err := cpu(d.process.Pid())
		if err != nil {
			return err
		}
		used = after - before
		g.share = append(g.share, used.Seconds()/took.Seconds())
		lost := s.Counters["glean_kernel_dropped"]
		g.lost += lost
		if s.Counters["glean_taught"]+lost < uint64(exchanges) {
			return fmt.Errorf("%d Replies taught, and %d messages were lost, of %d exchanges", s.Counters["glean_taught"], lost, exchanges)
		}
		if lost > 0 {
			return nil
		}
		return d.complete(ctx, e, int(g.crowd))
	})
	return used, err
}

// yardstick has a tap read the same traffic.
func (g *gleaning) yardstick(ctx context.Context) (used time.Duration, err error) {
	err = g.amid(ctx, func(ctx context.Context, e *lab.Edge, w *traffic) error {
		t, err := newTap(e.Router)
		if err != nil {
			return err
		}
		defer t.close()
		ended := make(chan error, 1)
		go func() { ended <- t.read(2 * exchanges) }()
		took, err := g.flow(ctx, w)
		if err := errors.Join(err, <-ended); err != nil {
			return err
		}
		used = t.used
		g.tap = append(g.tap, used.Seconds()/took.Seconds())
		g.tapLost += t.lost
		return nil
	})
	return used, err
}

// amid has f measure in a network of which the subscribers are ready to
// talk.
func (g *gleaning) amid(ctx context.Context, f func(context.Context, *lab.Edge, *traffic) error) error {
	return fresh(ctx, func(ctx context.Context, e *lab.Edge) error {
		targets, err := g.crowd.targets(e)
		if err != nil {
			return err
		}
		w, err := newTraffic(e, targets)
		if err != nil {
			return err
		}
		defer w.close()
		return f(ctx, e, w)
	})
}

func (g *gleaning) flow(ctx context.Context, w *traffic) (time.Duration, error) {
	took, err := w.flow(ctx, exchanges, gleanRate/2)
	if err == nil {
		g.rate = append(g.rate, float64(2*exchanges)/took.Seconds())
	}
	return took, err
}

// gleaned waits until so many messages were read, or lost, and what they taught
// is in the kernel.
func (d *daemon) gleaned(ctx context.Context, messages uint64) (s control.Status, err error) {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		if s, err = d.status(ctx); err != nil {
			return s, err
		}
		if s.Counters["glean_received"]+s.Counters["glean_kernel_dropped"] >= messages && s.ChangesPending == 0 &&
			s.Counters["glean_taught"] <= s.Counters["observations_glean"] {
			return s, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

func (g *gleaning) result(what string) result {
	return result{
		what:      fmt.Sprintf("gleaning %d messages/s, %s", gleanRate, what),
		product:   fmt.Sprintf("%d lost, %.0f %% of a core", g.lost, 100*g.share.median()),
		yardstick: fmt.Sprintf("tap %.0f %%", 100*g.tap.median()),
		ratio:     fmt.Sprintf("(%.0f-%.0f %%)", 100*slices.Min(g.share), 100*slices.Max(g.share)),
		aim:       "0, 100 %",
		met:       verdict(g.lost == 0 && g.share.median() < 1),
	}
}
