//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"leaseroute/test/lab"
)

// links is how many access links a router has.
const links = 2

// fresh makes a network, has f measure in it and takes it away again. It
// returns when the kernel has freed what was in there, so that one trial does
// not pay for another.
func fresh(ctx context.Context, f func(context.Context, *lab.Edge) error) error {
	l, err := lab.New(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	e, err := l.NewEdge(ctx, links)
	if err != nil {
		return err
	}
	if err := f(ctx, e); err != nil {
		return err
	}
	return errors.Join(clearAway(ctx, e), freed(ctx))
}

// clearAway ends the processes and drops the routes before the namespaces go.
func clearAway(ctx context.Context, e *lab.Edge) error {
	errs := []error{e.Router.KillAll(), e.Server.KillAll()}
	for _, a := range e.Access {
		errs = append(errs, e.Router.IP(ctx, "link set "+a.Name+" down"))
	}
	return errors.Join(append(errs, e.Close())...)
}

const (
	glance  = 100 * time.Millisecond
	settled = 5       // so many glances in a row without anything freed
	trifle  = 1 << 10 // KiB: less is not what we wait for
)

// freed waits until the kernel frees no more memory: routes go after a grace
// period, and whoever installs meanwhile shares the machine with that.
func freed(ctx context.Context) error {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for last, quiet := 0, 0; quiet < settled; {
		now, err := number("/proc/meminfo", "SUnreclaim")
		if err != nil {
			return err
		}
		if quiet++; now < last-trifle {
			quiet = 0
		}
		last = now
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// routes returns how many IPv6 routes the namespace has, whoever's they are.
// To count them costs the kernel nothing, which listing a million would.
func routes(n *lab.Namespace) (count int, err error) {
	const file, entries = "/proc/thread-self/net/rt6_stats", 3
	err = n.Do(func() error {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		fields := strings.Fields(string(b))
		if len(fields) <= entries {
			return fmt.Errorf("%s has %d fields", file, len(fields))
		}
		v, err := strconv.ParseUint(fields[entries], 16, 32)
		count = int(v)
		return err
	})
	return count, err
}
