package agent

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/agent/ondemand"
	"leaseroute/binding"
	"leaseroute/lqclient"
	"leaseroute/routes"
)

const (
	// window bounds the changes that wait for the installer. While it works
	// the owner gathers more, since the kernel takes a large sorted run of
	// routes nearly twice as fast as a scattered one.
	window = 64 << 10
	// step is how often expiry, repairs and the recovery state are looked at.
	step = 200 * time.Millisecond
)

// An owner holds the binding table; its run is the only goroutine that
// touches it. It never waits for the kernel: it hands changes to the installer
// when that is idle, and takes observations, results and events meanwhile.
type owner struct {
	table    *binding.Table
	observed <-chan *binding.Batch // from the requestors; never closed
	events   <-chan routes.Event   // from the kernel's monitor; never closed
	calls    <-chan func()         // from the control socket and the requestors; never closed
	jobs     chan<- job            // to the installer
	results  <-chan result         // from the installer
	adopted  chan<- struct{}       // closed by the owner once the first audit is over

	changes []binding.Change // decided, not yet handed over
	spare   []binding.Change // the buffer that the installer gave back
	busy    bool             // the installer works on a job
	handing int              // the changes in that job
	lent    []binding.Change // these, until they are answered
	audit   auditState
	tidy    bool // the aggregates want looking at

	announce *announcer

	log      *logrus.Entry
	nameOf   func(binding.Interface) string
	repairs  repairs
	recovery *recovery
	servers  []*lqclient.Requestor  // by number less one
	askFor   func() []lqclient.Link // which link-addresses to ask for now
	retry    time.Time              // when refused routes are tried again
	changed  []chan<- struct{}      // each takes a token: interfaces came or went
	engine   *ondemand.Engine
	resync   time.Duration // 0: no resync at an interval
	nextSync time.Time
	doubts   uint64 // how many there had been at the last look
	repelled repelled
	watching watching
}

// auditState says where an audit of the kernel's routes stands. Nothing else
// may change the table from its beginning to its end: a dump is a picture of
// one instant.
type auditState int

const (
	auditIdle    auditState = iota
	auditWanted             // as soon as the installer is idle and has nothing to do
	auditRunning            // parts of the dump are coming in
)

func (o *owner) run(ctx context.Context) {
	tick := time.NewTicker(step)
	defer tick.Stop()
	defer o.table.Follow(false) // whoever watched goes with us, and the table may stay
	for {
		in, events, calls := o.observed, o.events, o.calls
		if o.audit == auditRunning {
			in, events, calls = nil, nil, nil
		}
		if len(o.changes) >= window {
			in = nil
		}
		jobs, next := o.next()
		select {
		case <-ctx.Done():
			return
		case b := <-in:
			o.apply(b)
		case jobs <- next:
			o.handed(next)
		case r := <-o.results:
			o.take(r)
		case e := <-events:
			o.event(time.Now(), e)
		case call := <-calls:
			o.drain()
			call()
		case now := <-tick.C:
			o.tick(now)
			o.tellServers(now)
		}
		o.tellWatchers(time.Now())
	}
}

// next is the job to offer to the installer: on a nil channel when there is
// none, or when it has one. The aggregates come after the audit, which tells
// which of them are there.
func (o *owner) next() (chan<- job, job) {
	switch {
	case o.busy:
		return nil, job{}
	case len(o.changes) > 0:
		return o.jobs, job{changes: o.changes}
	case o.audit == auditWanted:
		return o.jobs, job{audit: true}
	case o.tidy:
		return o.jobs, job{aggregates: true}
	}
	if j, ok := o.announce.next(o.table); ok {
		return o.jobs, j
	}
	return nil, job{}
}

// handed notes that the installer has taken j.
func (o *owner) handed(j job) {
	o.busy = true
	switch {
	case j.changes != nil:
		o.handing, o.lent = len(j.changes), j.changes
		o.announce.wrote(j.changes)
		tellEngine(o.engine, j.changes, len(o.servers) > 1)
		o.changes, o.spare = o.spare[:0], nil
	case j.aggregates:
		o.tidy = false
	case j.audit:
		o.audit = auditRunning
	case j.look:
		o.announce.looks()
	}
}

// take writes what the kernel said into the table.
func (o *owner) take(r result) {
	now := time.Now()
	switch {
	case r.routes != nil: // a part of a dump: the installer goes on
		o.changes = o.table.Kernel(now, r.routes, o.changes)
		return
	case r.job.audit:
		o.audited(now, r)
	case r.job.changes != nil:
		o.table.Record(now, r.job.changes, r.failures)
		o.tellRoutes(now, r.job.changes, r.failures)
		o.changes = o.table.Continue(now, o.changes)
		o.spare = r.job.changes[:0]
	case r.job.look:
		o.announce.heard(now, r)
	case r.job.repeats != nil:
		o.announce.repeated(r)
	}
	o.busy, o.handing, o.lent = false, 0, nil
	o.recovery.check(now, o.idle())
}

// audited ends an audit. One that broke off is tried again a little later;
// what it showed so far was true, what it did not show proves nothing.
func (o *owner) audited(now time.Time, r result) {
	o.audit = auditIdle
	if r.err != nil {
		o.repairs.addAll(now)
		return
	}
	o.changes = o.table.KernelDone(now, o.changes)
	if o.adopted != nil {
		close(o.adopted)
		o.adopted = nil
		if o.recovery.state == Starting {
			o.recovery.enter(Recovering)
		}
	}
}

// idle reports whether all that was decided is in the kernel.
func (o *owner) idle() bool { return !o.busy && len(o.changes) == 0 }

// pending is how many changes were decided and are not yet in the kernel.
func (o *owner) pending() int { return o.handing + len(o.changes) }

// apply takes a batch in and gives it back.
func (o *owner) apply(b *binding.Batch) {
	now := time.Now()
	o.changes = o.table.Apply(now, b, o.changes)
	switch {
	case b.Mark == binding.RoundComplete && b.Scope == 0:
		o.completed(now, b.Server)
	case b.Mark == binding.RoundIncomplete && o.recovery.lookupOnly(b.Server):
		o.introduced(now, b.Server)
	}
	b.Free()
	if len(o.changes) == 0 {
		o.recovery.check(now, o.idle())
	}
}

// completed notes a server's full round. After the last one the routes that
// an earlier run left and that no server claimed are doubted, and the servers
// whose rounds ended earlier are told that there is something to ask.
func (o *owner) completed(now time.Time, s binding.Server) {
	if !o.recovery.completed(s) {
		return
	}
	o.askAboutAdopted(now)
}

// introduced takes note of a server that has no rounds: from now on it can be
// asked about what an earlier run left. There is nothing more to wait for from
// it: what the state file knows was taken in before.
func (o *owner) introduced(now time.Time, s binding.Server) {
	o.table.AskRecalled(now, s)
	o.recovery.completed(s)
	if o.recovery.all() {
		o.askAboutAdopted(now)
		return
	}
	o.settleAll()
}

func (o *owner) askAboutAdopted(now time.Time) {
	o.table.DoubtAdopted(now)
	o.settleAll()
}

// drain takes in what the sources have already sent, so that a call sees
// everything that its caller sent before it.
func (o *owner) drain() {
	for {
		select {
		case b := <-o.observed:
			o.apply(b)
		default:
			return
		}
	}
}

func (o *owner) tick(now time.Time) {
	if o.audit == auditRunning {
		return
	}
	o.changes = o.table.Expire(now, o.changes)
	o.repair(now)
	o.announce.tick(now)
	if now.After(o.retry) {
		o.retry = now.Add(retryRefused)
		o.changes = o.table.Retry(now, everything, o.changes)
	}
	o.recovery.check(now, o.idle())
	o.settle()
	o.repelled.tell(now, o.table, o.log, o.nameOf)
	if o.resync > 0 && now.After(o.nextSync) {
		o.syncAll(now)
	}
}

// settle tells the servers that there is something new to ask about: not all
// doubts come with a server's own round. How many bindings are in doubt does not
// say it: one doubt may have ended where another began.
func (o *owner) settle() {
	n := o.table.Counts().Doubts
	if n != o.doubts {
		o.settleAll()
	}
	o.doubts = n
}

func (o *owner) settleAll() {
	for _, s := range o.servers {
		s.Settle()
	}
}

// syncAll asks every server for everything at the configured interval; the
// first time is the boot's own round.
func (o *owner) syncAll(now time.Time) {
	first := o.nextSync.IsZero()
	o.nextSync = now.Add(o.resync)
	if first {
		return
	}
	for _, s := range o.servers {
		s.Resync(nil)
	}
}
