package agent

import (
	"context"
	"runtime"
	"slices"

	"github.com/sirupsen/logrus"

	"leaseroute/binding"
	"leaseroute/routes"
)

// A job is one piece of work for the installer: exactly one field is set.
type job struct {
	changes    []binding.Change // lent until the result comes back
	audit      bool             // dump our routes
	aggregates bool             // see to the covering routes
	look       bool             // see what others lost of our changes
	repeats    []binding.Change // lent likewise; nobody hears what becomes of them
	rate       int              // of repeats, a second
}

// A result is what became of a job. A dump yields one result for each part,
// with routes set, before its own.
type result struct {
	job      job
	failures []binding.Failure
	routes   []binding.Route
	lost     uint64            // messages, since the last look
	losers   []routes.Listener // those who lost any since the start
	repeated bool              // else listeners are behind, and nothing was done
	err      error
}

// An installer is the only goroutine that writes routes, so that dumps never
// run beside installation (LIMITS.md 2: quadratic).
type installer struct {
	kernel  *routes.Kernel
	jobs    <-chan job
	results chan<- result
	log     *logrus.Entry
}

// run installs until ctx ends. It keeps its thread to itself: moved from one
// to another it would leave its caches, and wait to be woken.
func (i *installer) run(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-i.jobs:
			if !i.send(ctx, i.perform(ctx, j)) {
				return
			}
		}
	}
}

func (i *installer) send(ctx context.Context, r result) bool {
	select {
	case i.results <- r:
		return true
	case <-ctx.Done():
		return false
	}
}

func (i *installer) perform(ctx context.Context, j job) result {
	r := result{job: j}
	switch {
	case j.audit:
		r.err = i.kernel.Dump(ctx, func(part []binding.Route) error {
			if !i.send(ctx, result{routes: slices.Clone(part)}) {
				return ctx.Err()
			}
			return nil
		})
	case j.aggregates:
		r.err = i.kernel.EnsureAggregates(ctx)
	case j.look:
		r.lost, r.losers, r.err = i.kernel.Losses()
		return r
	case j.repeats != nil:
		r.repeated, r.err = i.kernel.Announce(ctx, j.rate, j.repeats)
	default:
		r.failures, r.err = i.kernel.Apply(ctx, j.changes)
		if r.err != nil {
			r.failures = allFailed(j.changes, r.err)
		}
	}
	if r.err != nil && ctx.Err() == nil {
		i.log.WithError(r.err).Warn("the kernel did not take our routes; trying again")
	}
	return r
}

// allFailed says of every change that err befell it. What the kernel took all
// the same is found by the next try: it is there already, and ours.
func allFailed(changes []binding.Change, err error) []binding.Failure {
	failures := make([]binding.Failure, len(changes))
	for n := range changes {
		failures[n] = binding.Failure{Index: n, Reason: binding.KernelRefused, Detail: err.Error()}
	}
	return failures
}
