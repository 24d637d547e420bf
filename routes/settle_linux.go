package routes

import (
	"context"
	"slices"

	"golang.org/x/sys/unix"

	"leaseroute/binding"
)

// prepare looks at the routes of doubtful jobs, and chooses their steps.
//
// A refresh is silent and needs no look, unless a route may lack an expiry:
// only an identical one that has one is rewritten in silence (Linux 6.18,
// fib6_add_rt2node). If the table was wrong and the route is not identical,
// settle finds a creation where there should have been none.
//
// A foreign route that is known is looked at before a prefix is refused: it
// may have gone with its link, and the kernel need not tell of that.
func (w *work) prepare() error {
	var looks []*job
	for i := range w.jobs {
		if w.jobs[i].doubtful {
			looks = append(looks, &w.jobs[i])
		}
	}
	if len(looks) == 0 {
		return nil
	}
	if err := w.look(looks); err != nil {
		return err
	}
	for _, j := range looks {
		w.choose(j)
	}
	w.jobs = slices.DeleteFunc(w.jobs, func(j job) bool { return j.step == nothing })
	return nil
}

// choose decides on a doubtful job that was looked at.
func (w *work) choose(j *job) {
	c := &w.changes[j.change]
	switch {
	case w.refuseForeign(j):
		j.step = nothing
	case !w.thoughtForeign(c):
		j.step = j.correction(replace)
	case j.found == absent || j.found == nowhere:
		w.known.forget(j.route.prefix)
		j.step = create
	case j.found == ours && c.Op != binding.Install: // a foreign one, if any, is at another metric
		j.step = j.correction(replace)
	default:
		w.fail(j.change, binding.ForeignRoute, "")
		j.step = nothing
	}
}

// correction returns the step that takes the kernel from what was found to
// what the job wants; doubt is the one for an unclear finding.
func (j *job) correction(doubt step) step {
	same := j.held.gateway == j.route.gateway && j.held.index == j.route.index && !j.held.multipath
	switch {
	case j.found == foreign:
		return nothing
	case j.found == absent:
		return create
	case j.found == unclear || j.found == nowhere:
		return doubt
	case !same:
		return replace
	case j.held.expires == 0 && j.route.expires == 0:
		return nothing
	case j.held.expires == 0:
		return replace
	}
	return touch
}

// settle draws the conclusions from the answers. Where a creation met a route,
// or a refresh met none, it finds out what is there, and whose it is: ours is
// corrected, a foreign one stays.
func (w *work) settle(ctx context.Context) error {
	var looks []*job
	for i := range w.jobs {
		if j := &w.jobs[i]; j.surprised() {
			looks = append(looks, j)
		} else {
			w.conclude(j)
		}
	}
	if len(looks) == 0 {
		return nil
	}
	if err := w.look(looks); err != nil {
		return err
	}
	w.redo = w.redo[:0]
	for _, j := range looks {
		w.correct(j)
	}
	if err := w.write(ctx, w.redo); err != nil {
		return err
	}
	for i := range w.redo {
		w.conclude(&w.redo[i])
	}
	return nil
}

// surprised reports whether the kernel did not hold what the job relied on.
func (j *job) surprised() bool {
	return j.step == create && j.answer.errno == unix.EEXIST || j.step == touch && j.answer.errno == 0
}

// correct decides on a job that was surprised.
func (w *work) correct(j *job) {
	met := j.step
	if w.refuseForeign(j) {
		if met == touch { // it has become a second next hop of the foreign route
			w.redo = append(w.redo, job{change: j.change, step: remove, route: j.route})
		}
		return
	}
	if met == touch {
		if j.step = j.correction(replace); j.step == touch || j.step == nothing {
			w.installed.Add(1) // it was gone, and is back
			return
		}
		w.redo = append(w.redo, *j)
		return
	}
	w.adopt(j)
}

// adopt decides on a creation that met a route. If the kernel won't say whose
// that is, ours is removed (a foreign one can't be: protocol) and created anew
// right behind it.
func (w *work) adopt(j *job) {
	j.step = j.correction(remove)
	switch j.step {
	case nothing:
		w.adopted.Add(1)
		return
	case touch:
		w.adopted.Add(1)
	case remove:
		w.redo = append(w.redo, job{change: j.change, step: remove, route: j.route.bare()})
		j.step = create
	}
	w.redo = append(w.redo, *j)
}

// refuseForeign notes a foreign route that a look has found.
func (w *work) refuseForeign(j *job) bool {
	if j.found != foreign {
		return false
	}
	if j.held.metric == w.options.Metric {
		w.known.seize(j.route.prefix)
	}
	w.fail(j.change, binding.ForeignRoute, "")
	return true
}

// conclude counts what a job did, or notes why it failed. To remove what is
// gone is success.
func (w *work) conclude(j *job) {
	errno := j.answer.errno
	switch {
	case j.step == remove && (errno == unix.ESRCH || errno == unix.ENOENT):
	case j.step == touch && errno == unix.EEXIST:
		w.refreshed.Add(1)
	case j.step == create && errno == unix.EEXIST:
		w.known.seize(j.route.prefix)
		w.fail(j.change, binding.ForeignRoute, "")
	case errno != 0:
		w.fail(j.change, w.reason(j), j.answer.Error())
	case j.step == remove:
		w.deleted.Add(1)
	case j.step == replace:
		w.replaced.Add(1)
	default:
		w.installed.Add(1)
	}
}

// reason names the kernel's refusal. A gateway with a global address is "not
// reachable" on an interface that is down, since that took its address along.
func (w *work) reason(j *job) binding.Reason {
	down := j.route.index != 0 && !w.links.port(w.changes[j.change].Interface).adminUp
	switch errno := j.answer.errno; {
	case errno == unix.ENODEV:
		return binding.InterfaceMissing
	case errno == unix.ENETDOWN, down && (errno == unix.EHOSTUNREACH || errno == unix.EINVAL):
		return binding.InterfaceDown
	}
	return binding.KernelRefused
}
