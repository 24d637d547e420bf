package agent

import (
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/binding"
	"leaseroute/routes"
)

const (
	// calmTicks is for how many steps few changes must have been made before
	// anything is repeated: in the midst of a burst that would only add to it.
	calmTicks = 3
	// longestBurst is when repeats begin although changes go on and on.
	longestBurst = time.Minute
	// mostPasses bounds how often all routes are repeated for one burst, each
	// time in pages of half the size: who loses even the last, of one message,
	// has stopped reading.
	mostPasses = 6
	// announceRest is for how long nothing is repeated after that.
	announceRest = 10 * time.Minute
	// mostGone bounds the withdrawals that are remembered.
	mostGone = 1 << 18
)

// A hearing is how well those who listen to the kernel know our routes.
type hearing string

// The hearings, as status shows them.
const (
	hearingOff     hearing = "off"
	hearingExact   hearing = "exact"     // nobody lost a change, or all are told again
	hearingWaiting hearing = "waiting"   // somebody did, and is told again when the burst is over
	hearingBusy    hearing = "repeating" // is being told again
	hearingTired   hearing = "given up"  // somebody loses whatever is said
	hearingBlind   hearing = "unknown"   // what they lose can't be seen
)

// An announcer makes exact what routing daemons know of our routes (DESIGN.md
// rule 8): a burst of changes overflows their sockets, and the kernel then
// drops messages that nobody misses. So it looks at what was lost, and repeats
// all routes, and the removal of those that went, until a pass loses nothing.
// It belongs to the owner.
type announcer struct {
	rate int // messages a second; 0: off
	log  *logrus.Entry

	hearing hearing
	changed bool          // routes did, since the last look
	recent  int           // changes since the last tick
	calm    int           // ticks in a row with few
	since   time.Time     // of the burst, or of giving up
	gone    []binding.Key // withdrawn since all was exact; one may be there several times
	pass    pass
	passes  int // begun for this burst

	losers []routes.Listener
	err    error // why nothing can be seen
	counts announceCounts
}

func newAnnouncer(rate int, log *logrus.Entry) *announcer {
	a := &announcer{rate: rate, log: log, hearing: hearingExact}
	if rate == 0 {
		a.hearing = hearingOff
	}
	return a
}

// on reports whether there is anything to do at all.
func (a *announcer) on() bool { return a.hearing != hearingOff && a.hearing != hearingBlind }

// wrote takes in changes that are about to be made.
func (a *announcer) wrote(changes []binding.Change) {
	if !a.on() {
		return
	}
	a.changed = true
	a.recent += len(changes)
	a.pass.outdate()
	for i := range changes {
		switch {
		case changes[i].Op != binding.Withdraw:
		case len(a.gone) == mostGone:
			a.counts.forgotten.Add(1)
		default:
			a.gone = append(a.gone, changes[i].Key)
		}
	}
}

// happened notes that the kernel may have changed routes by itself, such as
// those of a link that went down.
func (a *announcer) happened() { a.changed = true }

// tick sees how busy it is, and whether it is time to begin.
func (a *announcer) tick(now time.Time) {
	if few := a.rate / 10 * int(step) / int(time.Second); a.recent <= few {
		a.calm++
	} else {
		a.calm, a.pass.disturbed = 0, true
	}
	a.recent = 0
	if a.hearing == hearingWaiting && (a.calm >= calmTicks || now.Sub(a.since) > longestBurst) {
		a.hearing = hearingBusy
		a.passes++
		a.counts.passes.Add(1)
		a.pass = pass{size: max(min(a.rate/100, repeatBatch)>>(a.passes-1), 1)}
	}
}

// next is a job for an installer that has nothing else to do: the next
// repeats, or a look at what was lost after a burst or a pass.
func (a *announcer) next(table *binding.Table) (job, bool) {
	if a.hearing != hearingBusy {
		return job{look: true}, a.on() && a.changed && a.calm > 0
	}
	if page := a.pass.offer(a.gone, table); page != nil {
		return job{repeats: page, rate: a.rate}, true
	}
	return job{look: true}, true
}

// looks notes that the installer has begun to look.
func (a *announcer) looks() { a.changed = false }

// repeated takes in what became of a page: if the listeners were not ready for
// it, it is offered again. After an error the pass begins anew, when it is
// calm.
func (a *announcer) repeated(r result) {
	switch {
	case r.err != nil:
		a.hearing, a.calm = hearingWaiting, 0
		a.passes--
	case r.repeated:
		a.pass.advance()
	}
}

// heard takes in what a look has found.
func (a *announcer) heard(now time.Time, r result) {
	if r.err != nil {
		a.hearing, a.err = hearingBlind, r.err
		a.gone = nil
		a.log.WithError(r.err).Warn("can't see whether routing daemons lose changes of routes; they are not told again")
		return
	}
	a.losers = r.losers
	switch {
	case a.hearing == hearingBusy:
		a.passed(now, r.lost)
	case r.lost == 0 && a.hearing == hearingExact:
		a.forget()
	case r.lost == 0 && a.hearing == hearingTired && now.Sub(a.since) > announceRest,
		r.lost > 0 && a.hearing == hearingExact:
		a.begin(now, r.lost)
	}
}

// inherit goes on with another configuration, and a kernel that has counted
// since it was opened. r is the last look with the one before; what that was
// about to repeat is repeated all over.
func (a *announcer) inherit(now time.Time, rate int, r result) {
	switch off := a.hearing == hearingOff; {
	case rate == 0:
		a.hearing = hearingOff
		a.forget()
	case off || a.hearing == hearingBlind:
		a.hearing, a.err = hearingExact, nil // as far as can be known
	case a.hearing == hearingBusy:
		a.hearing = hearingWaiting
		a.passes--
	default:
		a.heard(now, r)
	}
	a.rate, a.pass, a.changed, a.calm = rate, pass{}, true, 0
}

// forget forgets the withdrawals, which all who listen know of. The memory is
// kept if that is little.
func (a *announcer) forget() {
	if a.gone = a.gone[:0]; cap(a.gone) > repeatBatch {
		a.gone = nil
	}
}

// resume goes on where an earlier run was ended: what that had withdrawn is not
// known any more.
func (a *announcer) resume(now time.Time) {
	if a.on() {
		a.hearing, a.since = hearingWaiting, now
		a.log.Info("routing daemons were being told of lost changes when the last run ended; telling them again")
	}
}

// begin begins to make up for what was lost in a burst.
func (a *announcer) begin(now time.Time, lost uint64) {
	a.hearing, a.since, a.passes = hearingWaiting, now, 0
	a.counts.bursts.Add(1)
	a.log.WithFields(logrus.Fields{"lost": lost, "listeners": names(a.losers)}).
		Warn("routing daemons lost changes of routes; telling them again")
}

// passed ends a pass, in which so much was lost.
func (a *announcer) passed(now time.Time, lost uint64) {
	switch entry := a.log.WithField("passes", a.passes).WithField("listeners", names(a.losers)); {
	case lost == 0:
		a.hearing = hearingExact
		a.forget()
		entry.WithField("after", now.Sub(a.since).Round(time.Millisecond)).Info("routing daemons were told again, and lost nothing")
	case a.pass.disturbed: // by a burst that came meanwhile: it is not the size
		a.hearing, a.since = hearingWaiting, now
		a.passes--
	case a.passes < mostPasses:
		a.hearing = hearingWaiting
	default:
		a.hearing, a.since = hearingTired, now
		a.counts.givenUp.Add(1)
		entry.Warn("a routing daemon loses what it is told however slowly; what it announces may be wrong")
	}
}
