package routes

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"leaseroute/binding"
)

// Apply makes the kernel follow the changes: those of one prefix in their
// order, the prefixes sorted. It returns the changes that did not take effect,
// by index, and why. An error means that the socket failed or ctx ended: what
// of the rest took effect is not known, and to apply it again does no harm.
func (k *Kernel) Apply(ctx context.Context, changes []binding.Change) ([]binding.Failure, error) {
	w := k.newWork(changes)
	k.places = order(k.places[:0], changes)
	for left := k.places; len(left) > 0; {
		n := run(left, k.batch)
		if err := w.do(ctx, left[:n]); err != nil {
			return w.sorted(), err
		}
		left = left[n:]
	}
	return w.sorted(), nil
}

// A work is one call of Apply.
type work struct {
	*Kernel
	changes  []binding.Change
	links    *snapshot
	now      time.Time
	failures []binding.Failure
}

func (k *Kernel) newWork(changes []binding.Change) *work {
	w := &work{Kernel: k, changes: changes, links: k.links.now.Load(), now: time.Now()}
	if w.links != k.seen {
		k.near = disjoint(slices.DeleteFunc(slices.Clone(w.links.connected), func(p netip.Prefix) bool {
			return !k.known.touches(p)
		}))
		k.seen = w.links
	}
	return w
}

func (w *work) sorted() []binding.Failure {
	slices.SortFunc(w.failures, func(a, b binding.Failure) int { return cmp.Compare(a.Index, b.Index) })
	return w.failures
}

// do carries out changes of different prefixes.
func (w *work) do(ctx context.Context, places []place) error {
	w.jobs = w.jobs[:0]
	for _, p := range places {
		if j := w.plan(int(p.index), &w.changes[p.index]); j.step != nothing {
			w.jobs = append(w.jobs, j)
		}
	}
	if err := w.prepare(); err != nil {
		return err
	}
	if err := w.write(ctx, w.jobs); err != nil {
		return err
	}
	return w.settle(ctx)
}

// plan turns a change into a job: nothing if it has failed already.
func (w *work) plan(index int, c *binding.Change) job {
	j := job{change: index, route: route{prefix: c.Key.Prefix, metric: w.options.Metric}}
	if c.Op == binding.Withdraw {
		j.step = remove
		return j
	}
	p := w.links.port(c.Interface)
	if reason, detail := w.objection(c, p); reason != binding.NoReason {
		w.fail(index, reason, detail)
		return j
	}
	j.route.kind, j.route.index, j.route.gateway = unix.RTN_UNICAST, p.index, c.NextHop
	j.route.expires = w.expiry(c.ValidUntil)
	switch c.Op {
	case binding.Install:
		j.step = create
	case binding.Move:
		j.step = replace
	case binding.Refresh:
		j.step = touch
	}
	j.doubtful = c.Op == binding.Refresh && w.endless && j.route.expires != 0 || w.thoughtForeign(c)
	return j
}

// objection says why a route must not be written, before the kernel is asked.
// The first two are guards: the table does not ask for such.
func (w *work) objection(c *binding.Change, p port) (binding.Reason, string) {
	to := c.Key.Prefix
	switch {
	case !to.IsValid() || to.Bits() == 0 || !w.known.inside(to):
		return binding.KernelRefused, "not asked: the prefix is outside the allowed blocks"
	case p.index != 0 && !c.NextHop.IsValid() && !p.pointToPoint:
		return binding.KernelRefused, "not asked: no next hop, and the interface is not point-to-point"
	case p.index == 0:
		return binding.InterfaceMissing, ""
	case c.Op == binding.Install && w.connected(to):
		return binding.ConnectedOverlap, ""
	}
	return binding.NoReason, ""
}

// thoughtForeign reports whether somebody else was last known to hold what the
// change is about: the prefix at any metric, or what a move would replace.
func (w *work) thoughtForeign(c *binding.Change) bool {
	if w.known.clear.Load() {
		return false
	}
	held := w.known.held(c.Key.Prefix)
	return held&atOurMetric != 0 || held != 0 && c.Op == binding.Install
}

// connected reports whether p overlaps a connected prefix: one that the kernel
// routes to a link, or that of an address (which may have no route).
func (w *work) connected(p netip.Prefix) bool {
	return len(w.near) > 0 && overlaps(w.near, p) || !w.known.clear.Load() && w.known.overlapsConnected(p)
}

// expiry is how long the kernel is to keep a route on its own (DESIGN.md rule
// 9): a second at least, and 0 means for ever.
func (w *work) expiry(until time.Time) time.Duration {
	const longest = 1 << 31 * time.Second // 68 years; the kernel's own limit is lower
	if !w.options.FailSafe || until.IsZero() || until.Equal(binding.Forever) {
		return 0
	}
	left := until.Add(w.options.FailSafeMargin).Sub(w.now)
	return min(max(left, time.Second), longest)
}

// fail notes that a change did not take effect.
func (w *work) fail(index int, reason binding.Reason, detail string) {
	w.refusal(reason).Add(1)
	w.failures = append(w.failures, binding.Failure{Index: index, Reason: reason, Detail: detail})
}
