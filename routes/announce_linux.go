package routes

import (
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"

	"leaseroute/binding"
)

// graveTime is what a route for a withdrawn prefix would live if we died
// before we have taken it out again.
const graveTime = time.Minute

// Losses returns how many messages others who hear of routes have lost since
// the last call, and all who lost any since Open, by inode. Any message may
// have been about a route of ours: the kernel counts, and does not tell what.
// It belongs to the goroutine of Apply.
func (k *Kernel) Losses() (lost uint64, by []Listener, err error) {
	if k.audience == nil {
		return 0, nil, k.deaf
	}
	if lost, err = k.audience.look(); err != nil {
		return 0, nil, openMissing(err)
	}
	k.listenerDrops.Add(lost)
	return lost, slices.SortedFunc(maps.Values(k.audience.lost), Listener.compare), nil
}

// Announce repeats changes for those who lost them (DESIGN.md rule 8), at most
// perSecond messages a second. The kernel tells of an identical replace as of
// any other, and of one that is withdrawn when a blackhole route in its place
// is made and taken out. A route that is not there, or is somebody else's by
// now, is left alone and counted: the table hears of that otherwise.
//
// It reports false, and has done nothing, if those who listen have too much to
// read yet: ask again. There may be some ten repeats in one call, not hundreds,
// so that they fit into the smallest buffers. The error is that of Apply.
func (k *Kernel) Announce(ctx context.Context, perSecond int, repeats []binding.Change) (bool, error) {
	if ready, err := k.audience.caughtUp(ctx); !ready {
		return false, err
	}
	w := k.newWork(repeats)
	k.repeating.SetLimit(rate.Limit(perSecond))
	k.places = order(k.places[:0], repeats)
	for left := k.places; len(left) > 0; {
		n := run(left, k.batch)
		if err := w.repeat(ctx, left[:n]); err != nil {
			return true, err
		}
		left = left[n:]
	}
	return true, nil
}

// repeat repeats changes of different prefixes.
func (w *work) repeat(ctx context.Context, places []place) error {
	w.jobs = w.jobs[:0]
	graves := 0
	for _, p := range places {
		j := w.planRepeat(int(p.index), &w.changes[p.index])
		if j.step == nothing {
			w.announceMissed.Add(1)
			continue
		}
		if j.step == create {
			graves++
		}
		w.jobs = append(w.jobs, j)
	}
	if err := w.repeating.WaitN(ctx, len(w.jobs)+graves); err != nil {
		return err
	}
	if err := w.write(ctx, w.jobs); err != nil {
		return err
	}
	return w.fill(ctx)
}

// planRepeat turns a repeat into a job: nothing if the prefix is not ours to
// speak of now.
func (w *work) planRepeat(index int, c *binding.Change) job {
	to := c.Key.Prefix
	j := job{change: index, route: route{prefix: to, metric: w.options.Metric}}
	if c.Op == binding.Withdraw {
		if w.known.inside(to) && !w.connected(to) && w.known.held(to) == 0 {
			j.step, j.route.kind, j.route.expires = create, unix.RTN_BLACKHOLE, graveTime
		}
		return j
	}
	p := w.links.port(c.Interface)
	if reason, _ := w.objection(c, p); reason != binding.NoReason || w.thoughtForeign(c) {
		return j
	}
	j.step, j.route.kind, j.route.index, j.route.gateway = again, unix.RTN_UNICAST, p.index, c.NextHop
	j.route.expires = w.expiry(c.ValidUntil)
	return j
}

// fill counts what was repeated, and takes out the blackholes that were made
// for withdrawn prefixes, even if ctx ends. A prefix that has a route again has
// none of them: a creation is exclusive.
func (w *work) fill(ctx context.Context) error {
	w.redo = w.redo[:0]
	for i := range w.jobs {
		switch j := &w.jobs[i]; {
		case j.answer.errno != 0:
			w.announceMissed.Add(1)
		case j.step == create:
			w.announcedGone.Add(1)
			w.redo = append(w.redo, job{change: j.change, step: remove, route: j.route.bare()})
		default:
			w.announced.Add(1)
		}
	}
	return w.write(context.WithoutCancel(ctx), w.redo)
}
