package agent

import (
	"net/netip"
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/binding"
	"leaseroute/routes"
)

const (
	// firstRepair gathers what vanishes at once (a flush, a link that goes
	// down) into one piece of work.
	firstRepair = 50 * time.Millisecond
	// slowestRepair bounds the wait when somebody takes our routes again and
	// again: we do not fight in a tight loop (DESIGN.md rule 8).
	slowestRepair = time.Minute
	// verifyAfter is how long after a repair the kernel is audited: what takes
	// routes in rounds may take one again while it is being put back.
	verifyAfter = time.Second
	// maxRepairs bounds the list; beyond it an audit finds them all.
	maxRepairs = 4096
	// retryRefused is how often routes that the kernel refused are tried again.
	retryRefused = time.Minute
)

// everything covers all prefixes of IPv6.
var everything = netip.MustParsePrefix("::/0")

// repairs are the routes of ours that somebody took.
type repairs struct {
	gone  []netip.Prefix
	cover bool          // a covering route, too
	audit bool          // more than the list holds, or unknown: look at all
	due   time.Time     // when they are put back; zero if none are gone
	wait  time.Duration // what the last repair waited for
	last  time.Time     // when the last repair was made

	verify time.Time // when the last repair is audited; zero if it was
}

// add notes that p is gone; if there is no room left, an audit will find it.
func (r *repairs) add(now time.Time, p netip.Prefix) {
	r.schedule(now)
	if len(r.gone) >= maxRepairs {
		r.audit = true
		return
	}
	r.gone = append(r.gone, p)
}

// addCover notes that a covering route is gone.
func (r *repairs) addCover(now time.Time) {
	r.schedule(now)
	r.cover = true
}

// addAll notes that anything may be gone.
func (r *repairs) addAll(now time.Time) {
	r.schedule(now)
	r.audit = true
}

func (r *repairs) schedule(now time.Time) {
	if r.due.IsZero() {
		r.due = now.Add(r.delay(now))
	}
}

// delay is how long the next repair waits: twice the last wait if that was
// made shortly ago, the shortest after a quiet time.
func (r *repairs) delay(now time.Time) time.Duration {
	if r.wait == 0 || now.Sub(r.last) > 2*r.wait+time.Second {
		r.wait = firstRepair
	} else {
		r.wait = min(2*r.wait, slowestRepair)
	}
	return r.wait
}

// made notes that everything was put back.
func (r *repairs) made(now time.Time) {
	r.gone, r.cover, r.audit, r.due, r.last = r.gone[:0], false, false, time.Time{}, now
}

// repair puts back what is due, and looks a little later whether all is there:
// a notice of the kernel may have been lost.
func (o *owner) repair(now time.Time) {
	r := &o.repairs
	if r.due.IsZero() && !r.verify.IsZero() && now.After(r.verify) {
		r.verify = time.Time{}
		o.audit = auditWanted
	}
	if r.due.IsZero() || now.Before(r.due) {
		return
	}
	before := len(o.changes)
	for _, p := range r.gone {
		o.changes = o.table.RouteGone(now, keyOf(p), o.changes)
	}
	o.tidy = o.tidy || r.cover
	if r.audit {
		o.audit = auditWanted
	}
	// What went with its link, or with its lease, is not to be put back.
	if missing := len(o.changes) - before; missing > 0 || r.cover {
		o.log.WithFields(logrus.Fields{"routes": missing, "covering": r.cover, "after": r.wait}).
			Warn("somebody took routes of ours; putting them back")
		r.verify = now.Add(verifyAfter)
	}
	r.made(now)
}

// keyOf names the lease that a delegated prefix's route belongs to.
func keyOf(p netip.Prefix) binding.Key {
	return binding.Key{Kind: binding.DelegatedPrefix, Prefix: p}
}

// linkNews are the events about links that are worth a line in the log.
var linkNews = map[routes.EventKind]string{
	routes.LinkDown:     "interface is down; its routes come back when it is up",
	routes.LinkUp:       "interface is up; its links are asked about",
	routes.LinkAppeared: "interface has appeared",
	routes.LinkRemoved:  "interface is gone; its leases are kept",
}

// event takes in what the kernel's monitor saw.
func (o *owner) event(now time.Time, e routes.Event) {
	o.announce.happened()
	if e.Interface != 0 {
		o.tellChange()
	}
	if text := linkNews[e.Kind]; text != "" {
		o.log.WithField("link", o.nameOf(e.Interface)).Info(text)
	}
	switch e.Kind {
	case routes.RouteGone:
		o.repairs.add(now, e.Prefix)
	case routes.ForeignGone:
		o.changes = o.table.Retry(now, e.Prefix, o.changes)
	case routes.AggregateGone:
		o.repairs.addCover(now)
	case routes.LinkDown:
		o.table.InterfaceDown(now, e.Interface)
	case routes.LinkRemoved:
		o.table.InterfaceMissing(now, e.Interface)
	case routes.LinkChanged: // what was connected may no longer be, and there may be more to ask for
		o.changes = o.table.Retry(now, everything, o.changes)
		o.resyncLink(e.Interface)
	case routes.LinkUp, routes.LinkAppeared:
		o.changes = o.table.InterfaceUp(now, e.Interface, o.changes)
		o.resyncLink(e.Interface)
	case routes.Overflow:
		o.repairs.addAll(now)
	}
}

// tellChange lets those who watch interfaces know that these are not what they
// were.
func (o *owner) tellChange() {
	for _, c := range o.changed {
		select {
		case c <- struct{}{}:
		default: // it has not looked since the last time
		}
	}
}
