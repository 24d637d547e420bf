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
	passes = 3
)

// gap measures for how long forwarding stops while the kernel holds many
// routes that can expire, and as many that can't.
func (b *bench) gap(ctx context.Context) (results []result, err error) {
	say("the longest forwarding gap with %d routes", b.many)
	for _, failSafe := range []bool{true, false} {
		longest, err := b.longestGap(ctx, failSafe)
		if err != nil {
			return results, err
		}
		results = append(results, result{
			what:    fmt.Sprintf("forwarding gap, %d routes, fail_safe: %t", b.many, failSafe),
			product: fmt.Sprintf("%.1f ms", 1000*longest.Seconds()),
		})
	}
	return results, nil
}

// longestGap lets the daemon recover, and then pings one of its subscribers.
func (b *bench) longestGap(ctx context.Context, failSafe bool) (longest time.Duration, err error) {
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
		longest, err = watchGap(ctx, e, c)
		return err
	})
	return longest, err
}

// watchGap pings a subscriber for some passes of the kernel.
func watchGap(ctx context.Context, e *lab.Edge, c crowd) (time.Duration, error) {
	targets, err := crowd(1).targets(e)
	if err != nil {
		return 0, err
	}
	first := targets[0]
	if err := e.Answer(ctx, first.Route); err != nil {
		return 0, err
	}
	if _, err := e.Server.Ping(ctx, first.Prefix.Addr().Next()); err != nil {
		return 0, err
	}
	return silence(ctx, e.Server, first.Prefix.Addr().Next(), (passes+1)*gcInterval)
}
