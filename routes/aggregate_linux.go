package routes

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// EnsureAggregates sees to it that each allowed block has a covering blackhole
// route, and that no other of ours is left over. A foreign route of exactly
// that block stands in for ours. It relies on what the last Dump learnt, and
// writes nothing if all is well.
func (k *Kernel) EnsureAggregates(ctx context.Context) error {
	var jobs []job
	if k.options.Blackhole {
		for _, block := range k.options.Allowed {
			if !k.known.covered(block) {
				jobs = append(jobs, job{step: create, route: aggregateOf(block)})
			}
		}
	}
	for _, p := range k.known.strayAggregates(k.wantsAggregate) {
		jobs = append(jobs, job{step: remove, route: aggregateOf(p)})
	}
	if err := k.write(ctx, jobs); err != nil {
		return err
	}
	var errs []error
	for i := range jobs {
		errs = append(errs, k.concludeAggregate(&jobs[i]))
	}
	return errors.Join(errs...)
}

// wantsAggregate reports whether p is a block that is to have a covering route.
func (k *Kernel) wantsAggregate(p netip.Prefix) bool {
	return k.options.Blackhole && slices.Contains(k.options.Allowed, p)
}

func aggregateOf(block netip.Prefix) route {
	return route{prefix: block, metric: aggregateMetric, kind: unix.RTN_BLACKHOLE}
}

// concludeAggregate notes what became of one covering route. One that is in
// the way of ours covers the block as well, whoever's it is.
func (k *Kernel) concludeAggregate(j *job) error {
	r := j.route
	r.protocol = k.options.Protocol
	switch errno := j.answer.errno; {
	case j.step == create && (errno == 0 || errno == unix.EEXIST):
		k.known.note(notice{r: r})
		k.log.WithField("prefix", r.prefix).Info("covering route is in place")
	case j.step == remove && (errno == 0 || errno == unix.ESRCH || errno == unix.ENOENT):
		k.known.note(notice{gone: true, r: r})
		k.log.WithField("prefix", r.prefix).Info("covering route is removed")
	default:
		return fmt.Errorf("covering route %s: %w", r.prefix, &j.answer)
	}
	return nil
}

// RemoveAll takes out every route with our protocol number, the covering ones
// last.
func (k *Kernel) RemoveAll(ctx context.Context) error {
	var ours, covering []job
	err := k.socket.list(appendRouteDump(nil, k.options.Table), func(b []byte) error {
		return each(b, func(m message) error {
			if m.kind != unix.RTM_NEWROUTE {
				return nil
			}
			r, err := parseRoute(m.payload)
			switch {
			case err != nil || r.protocol != k.options.Protocol || r.table != k.options.Table || r.cached:
			case r.aggregate():
				covering = append(covering, job{change: -1, step: remove, route: r.bare()})
			default:
				ours = append(ours, job{change: -1, step: remove, route: r.bare()})
			}
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("remove our routes: %w", err)
	}
	return k.removeAll(ctx, append(ours, covering...))
}

func (k *Kernel) removeAll(ctx context.Context, jobs []job) error {
	if err := k.write(ctx, jobs); err != nil {
		return fmt.Errorf("remove our routes: %w", err)
	}
	var errs []error
	for i := range jobs {
		switch j := &jobs[i]; {
		case j.answer.errno == 0:
			k.deleted.Add(1)
		case j.answer.errno != unix.ESRCH:
			errs = append(errs, fmt.Errorf("remove %s: %w", j.route.prefix, &j.answer))
		}
	}
	return errors.Join(errs...)
}
