package ondemand

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"leaseroute/binding"
	"leaseroute/lqclient"
)

// maxNoticed bounds the unknown addresses that wait to be looked at.
const maxNoticed = 1024

// ErrOutside reports an address that is never asked about (R9).
var ErrOutside = errors.New("outside delegation.allowed: it is never asked about")

// EngineOptions are what an Engine is made of. The functions may be called by any
// goroutine.
type EngineOptions struct {
	// Detector notices unknown addresses; nil: nobody does, and only Ask asks.
	Detector Detector
	// Lookup asks the servers, and returns once each has answered or failed.
	Lookup func(context.Context, lqclient.Target) []lqclient.Reply
	// Cover returns the longest lease that covers an address, after all that
	// was learnt so far.
	Cover func(context.Context, netip.Addr) (Cover, error)

	Allowed []netip.Prefix // what may be asked about (R9)
	Length  int            // of the longest prefix that is delegated: what shares it is asked about once

	Rate          float64       // lookups a second, in all
	InterfaceRate float64       // lookups a second for what comes in by one interface
	Outstanding   int           // lookups under way at a time
	NegativeTTL   time.Duration // how long "nobody holds it" stands (R95)
	NoAnswerTTL   time.Duration // how long to leave it when no server answers (R24)
	MaxNegative   int           // such verdicts kept

	Log *logrus.Entry
}

// A Cover is the lease that covers an address. The zero Cover: there is none.
type Cover struct {
	Key    binding.Key
	Server binding.Server
	Routed bool // its route is in the kernel, or on its way there

	Interface binding.Interface // and where it leads
	NextHop   netip.Addr
}

// An Engine decides which unknown addresses are asked about, so that no packet
// makes a weapon of it, and asks. Run must be running while it is used.
type Engine struct {
	options  EngineOptions
	noticed  chan Unknown       // never closed
	asks     chan ask           // never closed
	views    chan chan []Flight // each takes one answer; never closed
	landed   chan *flight       // never closed: flights also watch ctx
	muting   chan muting        // never closed
	counts   counts
	trouble  atomic.Pointer[error] // why nothing is detected; nil: it is
	negative negatives
	settled  chan struct{} // closed when packets are being detected, or nothing will

	flights map[netip.Prefix]*flight // from here on: the loop's
	past    []Flight                 // a ring of those that ended
	last    int                      // the last of them
	waiting []Unknown                // until fewer lookups are under way, as many at most
	pace    *rate.Limiter
	paces   map[int]*rate.Limiter // by interface
}

// An ask is an Ask that waits for the loop. of holds one flight at most.
type ask struct {
	target netip.Addr
	of     chan *flight
}

// A flight is one lookup under way.
type flight struct {
	place   netip.Prefix // what it is collapsed by (R11)
	address netip.Addr
	began   time.Time
	noticed []Unknown // what to suppress if nobody holds it
	done    chan struct{}
	replies []lqclient.Reply // once done is closed
	verdict verdict
}

// NewEngine returns an engine that does nothing before Run.
func NewEngine(o EngineOptions) *Engine {
	return &Engine{
		options: o,
		noticed: make(chan Unknown, maxNoticed),
		asks:    make(chan ask),
		views:   make(chan chan []Flight),
		landed:  make(chan *flight),
		muting:  make(chan muting, maxMuting),
		settled: make(chan struct{}),
		flights: make(map[netip.Prefix]*flight),
		pace:    rate.NewLimiter(rate.Limit(o.Rate), burst(o.Rate)),
		paces:   make(map[int]*rate.Limiter),
	}
}

// burst lets what a rate allows in a second come at once.
func burst(r float64) int { return max(int(r), 1) }

// Run looks unknown addresses up until ctx ends, and then returns nil. That
// nothing can be detected ends nothing: Err says why, and Ask still asks.
func (e *Engine) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.detect(ctx) })
	g.Go(func() error { return e.mute(ctx) })
	g.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case u := <-e.noticed:
				e.notice(ctx, g, u)
			case a := <-e.asks:
				a.of <- e.fly(ctx, g, netip.PrefixFrom(a.target, a.target.BitLen()), a.target, true)
			case v := <-e.views:
				v <- e.view()
			case f := <-e.landed:
				e.land(f)
				e.goOn(ctx, g)
			}
		}
	})
	return g.Wait()
}

// detect runs the detector.
func (e *Engine) detect(ctx context.Context) error {
	if e.options.Detector == nil {
		close(e.settled)
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	over := make(chan struct{})
	g.Go(func() error {
		defer close(over)
		if err := e.options.Detector.Run(ctx, e.noticed); err != nil {
			e.trouble.Store(&err)
			e.options.Log.WithError(err).Error("on demand is off: unknown sources and destinations are not noticed")
		}
		return nil
	})
	select {
	case <-e.options.Detector.Ready():
	case <-over:
	case <-ctx.Done():
	}
	close(e.settled)
	return g.Wait()
}

// Settled is closed when packets are being detected, or it is known that
// nothing will be.
func (e *Engine) Settled() <-chan struct{} { return e.settled }

// Err says why nothing is detected; nil if all is well.
func (e *Engine) Err() error {
	if err := e.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// Notice has an address looked at that something else than the detector came
// upon, if there is room. It never blocks.
func (e *Engine) Notice(a netip.Addr) {
	select {
	case e.noticed <- Unknown{Address: a}:
	default:
		e.counts.shedQueue.Add(1)
	}
}

// Ask asks about an address for somebody who waits for it, whatever is
// remembered of it. What is under way for it already is not asked again (R11).
// The error is ErrOutside, or ctx's.
func (e *Engine) Ask(ctx context.Context, a netip.Addr) ([]lqclient.Reply, error) {
	if !e.allowed(a) {
		return nil, fmt.Errorf("%s is %w", a, ErrOutside)
	}
	request := ask{target: a, of: make(chan *flight, 1)}
	select {
	case e.asks <- request:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case f := <-request.of:
		return f.wait(ctx)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *flight) wait(ctx context.Context) ([]lqclient.Reply, error) {
	select {
	case <-f.done:
		return f.replies, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// allowed reports whether a may be asked about (R9).
func (e *Engine) allowed(a netip.Addr) bool {
	for _, p := range e.options.Allowed {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// notice decides what is done about an unknown address.
func (e *Engine) notice(ctx context.Context, g *errgroup.Group, u Unknown) {
	c := &e.counts
	if !e.allowed(u.Address) {
		c.outside.Add(1)
		return
	}
	c.noticed.Add(1)
	e.consider(ctx, g, e.placeOf(u.Address), u)
}

// placeOf is what an allowed address is asked about together with.
func (e *Engine) placeOf(a netip.Addr) netip.Prefix {
	p, _ := a.Prefix(min(e.options.Length, a.BitLen())) // it has so many
	return p
}

// consider asks about an unknown address that may be asked about, if there is
// reason and room.
func (e *Engine) consider(ctx context.Context, g *errgroup.Group, place netip.Prefix, u Unknown) {
	c := &e.counts
	if left := e.negative.left(place, time.Now()); left > 0 { // R10
		c.suppressed.Add(1)
		e.suppress(place, u, left)
		return
	}
	if f := e.flights[place]; f != nil { // R11
		c.collapsed.Add(1)
		f.add(u)
		return
	}
	switch {
	case len(e.flights) >= e.options.Outstanding && len(e.waiting) >= e.options.Outstanding:
		c.shedOutstanding.Add(1)
	case len(e.flights) >= e.options.Outstanding:
		e.waiting = append(e.waiting, u)
	case !e.paceOf(u.Interface).Allow():
		c.shedInterface.Add(1)
	case !e.pace.Allow():
		c.shedRate.Add(1)
	default:
		e.fly(ctx, g, place, u.Address, u.Source).add(u)
	}
}

// goOn takes up what has waited, the oldest first. What is turned away instead is
// not reported again for seconds, so that a burst is worth a short wait.
func (e *Engine) goOn(ctx context.Context, g *errgroup.Group) {
	for len(e.waiting) > 0 && len(e.flights) < e.options.Outstanding {
		u := e.waiting[0]
		e.waiting = e.waiting[1:]
		e.consider(ctx, g, e.placeOf(u.Address), u)
	}
}

// maxUnknowns bounds what one flight suppresses: each direction, on a few
// interfaces.
const maxUnknowns = 8

func (f *flight) add(u Unknown) {
	if len(f.noticed) < maxUnknowns {
		f.noticed = append(f.noticed, u)
	}
}

// paceOf returns the limiter of an interface. There are no more interfaces
// than the kernel has; those that went are forgotten now and then.
func (e *Engine) paceOf(i int) *rate.Limiter {
	const many = 1 << 14
	l := e.paces[i]
	if l == nil {
		if len(e.paces) >= many {
			clear(e.paces)
		}
		l = rate.NewLimiter(rate.Limit(e.options.InterfaceRate), burst(e.options.InterfaceRate))
		e.paces[i] = l
	}
	return l
}

// fly begins a lookup, or joins the one that is under way. Without anyway it
// ends where a route is known.
func (e *Engine) fly(ctx context.Context, g *errgroup.Group, place netip.Prefix, a netip.Addr, anyway bool) *flight {
	if f := e.flights[place]; f != nil {
		e.counts.collapsed.Add(1)
		return f
	}
	f := &flight{place: place, address: a, began: time.Now(), done: make(chan struct{})}
	e.flights[place] = f
	g.Go(func() error {
		f.replies, f.verdict = e.lookUp(ctx, a, anyway)
		close(f.done)
		select {
		case e.landed <- f:
		case <-ctx.Done():
		}
		return nil
	})
	return f
}

// lookUp asks the servers and says what came of it. Without anyway nobody is
// asked about what is known by now: where a destination had no route that is on
// its way to the kernel, since the answer to a subscriber's first packet is
// often faster. A source with a route has moved, or is forged.
func (e *Engine) lookUp(ctx context.Context, a netip.Addr, anyway bool) ([]lqclient.Reply, verdict) {
	known, err := e.options.Cover(ctx, a)
	switch {
	case err != nil:
		return nil, stopped
	case known.Routed && !anyway:
		return nil, overtaken
	}
	e.counts.lookups.Add(1)
	replies := e.options.Lookup(ctx, lqclient.Target{Address: a, Held: known.Key, HeldBy: known.Server})
	now, err := e.options.Cover(ctx, a)
	if err != nil {
		return replies, stopped
	}
	v := judge(replies, now.Routed)
	if v == found && known == now {
		v = unchanged
	}
	return replies, v
}

// land ends a flight.
func (e *Engine) land(f *flight) {
	delete(e.flights, f.place)
	if f.verdict != overtaken { // else nobody was asked
		e.remember(f)
	}
	e.counts.count(f.verdict)
	ttl := e.options.NegativeTTL
	switch f.verdict {
	case found, overtaken, stopped:
		return
	case unchanged:
		if len(f.noticed) == 0 {
			return // somebody asked, and knows now
		}
		ttl = e.options.NoAnswerTTL
	case unanswered:
		ttl = e.options.NoAnswerTTL
	}
	if !e.negative.keep(f.place, time.Now().Add(ttl), e.options.MaxNegative) {
		e.counts.forgotten.Add(1)
	}
	for _, u := range f.noticed {
		e.suppress(f.place, u, ttl)
	}
}
