//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"leaseroute/test/lab"
)

// A recovery measures how fast routes come back, against bare, and what the
// daemon needs afterwards.
type recovery struct {
	*bench
	crowd crowd

	boot         series // seconds from the start of the process to the first question
	cpu, bareCPU series // seconds of CPU, the server's not counted
	memory, peak series // MiB
	resyncs      resyncs
}

// recovery measures with n bindings. Memory and resync are told of a large
// run only.
func (b *bench) recovery(ctx context.Context, n int) ([]result, error) {
	say("%d bindings from a TCP stream to the kernel, against bare", n)
	r := &recovery{bench: b, crowd: crowd(n)}
	p, err := alternate(ctx, b.pairs, r.product, r.yardstick)
	if err != nil {
		return nil, err
	}
	say("  from the start of the process to its first question: %.0f ms", 1000*r.boot.median())
	results := []result{p.result(fmt.Sprintf("%d bindings, stream to kernel", n), "bare", 1.10), r.cpuResult()}
	if n < b.many {
		return results, nil
	}
	return append(results, r.memoryResult(), r.resyncs.result(n)), nil
}

// product times the daemon from its first question to the last route.
func (r *recovery) product(ctx context.Context) (took time.Duration, err error) {
	err = fresh(ctx, func(ctx context.Context, e *lab.Edge) error {
		if _, err := r.crowd.serve(ctx, e, r.binary); err != nil {
			return err
		}
		d, err := r.recover(ctx, e, relayID, "")
		if err != nil {
			return err
		}
		took = d.took
		r.boot = append(r.boot, d.boot.Seconds())
		return r.afterwards(ctx, e, d)
	})
	return took, err
}

// afterwards looks at the daemon once it has recovered: its memory last, when
// it has been through all that it does.
func (r *recovery) afterwards(ctx context.Context, e *lab.Edge, d *daemon) error {
	used, err := cpu(d.process.Pid())
	if err != nil {
		return err
	}
	r.cpu = append(r.cpu, used.Seconds())
	if err := d.complete(ctx, e, int(r.crowd)); err != nil || int(r.crowd) < r.many {
		return err
	}
	if err := r.resyncs.measure(ctx, e, d); err != nil {
		return err
	}
	now, peak, err := memory(d.process.Pid())
	r.memory, r.peak = append(r.memory, now), append(r.peak, peak)
	return err
}

// yardstick times bare.
func (r *recovery) yardstick(ctx context.Context) (took time.Duration, err error) {
	err = fresh(ctx, func(_ context.Context, e *lab.Edge) error {
		targets, err := r.crowd.targets(e)
		if err != nil {
			return err
		}
		b, err := newBare(targets, e.Router, bareBatch)
		if err != nil {
			return err
		}
		before, err := cpu(os.Getpid())
		if err != nil {
			return err
		}
		if took, err = b.send(e.Router); err != nil {
			return err
		}
		used, err := cpu(os.Getpid())
		r.bareCPU = append(r.bareCPU, (used - before).Seconds())
		return err
	})
	return took, err
}

// cpuResult is about the work done, which others on the machine disturb less
// than the time that it takes.
func (r *recovery) cpuResult() result {
	return result{
		what:      "  CPU time of that",
		product:   fmt.Sprintf("%.2f s", r.cpu.median()),
		yardstick: fmt.Sprintf("bare %.2f s", r.bareCPU.median()),
	}
}

// memoryResult holds the resident memory after a recovery and a resync against
// the aim.
func (r *recovery) memoryResult() result {
	const aim = 256
	return result{
		what:    fmt.Sprintf("resident memory, %d bindings", r.crowd),
		product: fmt.Sprintf("%.0f MiB, peak %.0f", r.memory.median(), r.peak.median()),
		aim:     fmt.Sprintf("%d MiB", aim),
		met:     verdict(r.peak.median() <= aim),
	}
}
