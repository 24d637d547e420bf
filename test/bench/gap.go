//go:build linux

package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"leaseroute/test/lab"
)

const (
	// gcInterval is how often the kernel looks for expired routes while we
	// watch. Its default is 30 s; what a look costs does not depend on it.
	gcInterval = 5 * time.Second
	// passes is how many such looks are watched.
	passes = 5
)

// gap measures for how long forwarding stops while the kernel holds many
// routes that can expire, and as many that can't. The median over the kernel's
// passes is told: what else the machine does makes longer ones.
func (b *bench) gap(ctx context.Context) (results []result, err error) {
	say("the longest forwarding gap with %d routes", b.many)
	for _, failSafe := range []bool{true, false} {
		gaps, err := b.gaps(ctx, failSafe)
		if err != nil {
			return results, err
		}
		results = append(results, result{
			what:    fmt.Sprintf("forwarding gap, %d routes, fail_safe: %t", b.many, failSafe),
			product: fmt.Sprintf("%.3f s (%s)", gaps.median(), gaps.spread()),
		})
	}
	return results, nil
}

// gaps lets the daemon recover, and then pings one of its subscribers. It
// returns the longest gap of each pass.
func (b *bench) gaps(ctx context.Context, failSafe bool) (gaps series, err error) {
	err = fresh(ctx, func(ctx context.Context, e *lab.Edge) error {
		c := crowd(b.many)
		if err := e.Router.Sysctl("net.ipv6.route.gc_interval", strconv.Itoa(int(gcInterval/time.Second))); err != nil {
			return err
		}
		server, err := c.serve(ctx, e, b.binary)
		if err != nil {
			return err
		}
		d, err := b.recover(ctx, e, relayID, fmt.Sprintf("routes: { fail_safe: %t }", failSafe))
		if err != nil {
			return err
		}
		server.Kill()
		if err := d.complete(ctx, e, b.many); err != nil {
			return err
		}
		gaps, err = watchGaps(ctx, e)
		return err
	})
	return gaps, err
}

// watchGaps pings the first subscriber for some passes of the kernel.
func watchGaps(ctx context.Context, e *lab.Edge) (series, error) {
	first, err := crowd(1).targets(e)
	if err != nil {
		return nil, err
	}
	if err := e.Answer(ctx, first[0].Route); err != nil {
		return nil, err
	}
	inside := first[0].Prefix.Addr().Next()
	if _, err := e.Server.Ping(ctx, inside); err != nil {
		return nil, err
	}
	return silence(ctx, e.Server, inside, passes, gcInterval)
}
