//go:build linux

package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"leaseroute/agent/warm"
	"leaseroute/binding"
	"leaseroute/test/lab"
)

// warmStart measures how fast routes stand after a reboot when no server can be
// reached: from the state file alone, against bare.
func (b *bench) warmStart(ctx context.Context) ([]result, error) {
	say("%d bindings from the state file to the kernel, no server, against bare", b.few)
	r := &recovery{bench: b, crowd: crowd(b.few)}
	p, err := alternate(ctx, b.pairs, r.warm, r.yardstick)
	if err != nil {
		return nil, err
	}
	return []result{{
		what:      fmt.Sprintf("%d bindings, process start to routes by the state file", b.few),
		product:   fmt.Sprintf("%.3f s", p.product.median()),
		yardstick: fmt.Sprintf("bare %.3f s", p.yardstick.median()),
		ratio:     fmt.Sprintf("%.2f (%s)", p.ratio.median(), p.ratio.spread()),
	}, r.cpuResult()}, nil
}

// warm times the daemon from the start of its process to the last route.
func (r *recovery) warm(ctx context.Context) (took time.Duration, err error) {
	err = fresh(ctx, func(ctx context.Context, e *lab.Edge) error {
		if err := r.crowd.remember(e); err != nil {
			return err
		}
		before, err := routes(e.Router)
		if err != nil {
			return err
		}
		began := time.Now()
		d, err := r.start(ctx, e, relayID, "")
		if err != nil {
			return err
		}
		if err := stand(ctx, e.Router, before+int(r.crowd)+covering); err != nil {
			return err
		}
		took = time.Since(began)
		used, err := cpu(d.process.Pid())
		r.cpu = append(r.cpu, used.Seconds())
		return err
	})
	return took, err
}

// covering is how many covering routes the daemon makes.
const covering = 1

// stand waits until a namespace has so many routes.
func stand(ctx context.Context, n *lab.Namespace, want int) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		there, err := routes(n)
		if err != nil || there >= want {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d routes: %w", there, want, ctx.Err())
		}
	}
}

// remember writes the state file that an earlier run would have left.
func (c crowd) remember(e *lab.Edge) error {
	targets, err := c.targets(e)
	if err != nil {
		return err
	}
	dir := e.Path("state")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	now := time.Now()
	return warm.Write(filepath.Join(dir, "bindings"), now, leases(targets, now))
}

// leases are what the file holds of the clients.
func leases(targets []target, now time.Time) iter.Seq[warm.Lease] {
	return func(yield func(warm.Lease) bool) {
		for _, t := range targets {
			until := now.Add(t.expires - margin)
			l := warm.Lease{
				Key: binding.Key{Prefix: t.Prefix}, Client: t.client, ServerDUID: serverDUID, Server: "dhcp1",
				Interface: t.Dev, NextHop: t.Gateway, CLT: now, ValidUntil: until, PreferredUntil: until,
			}
			if !yield(l) {
				return
			}
		}
	}
}
