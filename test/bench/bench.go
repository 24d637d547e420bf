//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"time"
)

// A bench is one run of the program.
type bench struct {
	binary    string // leaseroute
	only      *regexp.Regexp
	pairs     int
	few, many int // bindings
}

// A benchmark measures some of the promises.
type benchmark struct {
	name string
	run  func(context.Context) ([]result, error)
}

func (b *bench) benchmarks() []benchmark {
	return []benchmark{
		{"recovery-few", func(ctx context.Context) ([]result, error) { return b.recovery(ctx, b.few) }},
		{"recovery-many", func(ctx context.Context) ([]result, error) { return b.recovery(ctx, b.many) }},
		{"kea", b.kea},
		{"gap", b.gap},
		{"glean-rate", b.gleanRate},
		{"glean-delay", b.gleanDelay},
		{"warm-start", b.warmStart},
		{"on-demand", b.onDemand},
		{"forwarding", b.forwarding},
	}
}

// all runs the benchmarks that were asked for, one after the other. With an
// error come the results of those before.
func (b *bench) all(ctx context.Context) (results []result, err error) {
	say("%s", machine())
	for _, m := range b.benchmarks() {
		if !b.only.MatchString(m.name) {
			continue
		}
		began := time.Now()
		found, err := m.run(ctx)
		if err != nil {
			return results, fmt.Errorf("%s: %w", m.name, err)
		}
		say("%s took %.0f s; load %s", m.name, time.Since(began).Seconds(), load())
		results = append(results, found...)
	}
	return results, nil
}

// say tells how the run goes on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
