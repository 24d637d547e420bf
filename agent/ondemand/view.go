package ondemand

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"leaseroute/binding"
)

// Bounds of a View.
const (
	maxLanded   = 256
	maxNegative = 65536 // that are shown
)

// A View is what an engine asks and has asked of late.
type View struct {
	Flights   []Flight   // those under way, then those that ended, the last first
	Negatives []Negative // in no order, and not all if there are very many
}

// A Flight is a lookup.
type Flight struct {
	Address   netip.Addr
	Interface int            // that the packet came in by, by the kernel's index; 0: there was no packet
	Began     time.Time      //
	Ended     time.Time      // zero: it is under way
	Verdict   string         // found, unrouted, denied or unanswered; "" while it is under way
	Holder    binding.Server // who holds a lease there; 0: nobody said so
}

// A Negative is a place that is not asked about until an instant (R95).
type Negative struct {
	Place netip.Prefix
	Until time.Time
}

// View returns what is so now. The error is ctx's.
func (e *Engine) View(ctx context.Context) (View, error) {
	var v View
	answer := make(chan []Flight, 1)
	select {
	case e.views <- answer:
	case <-ctx.Done():
		return v, ctx.Err()
	}
	select {
	case v.Flights = <-answer:
	case <-ctx.Done():
		return v, ctx.Err()
	}
	v.Negatives = e.negative.list(time.Now(), maxNegative)
	return v, nil
}

// view lists the flights.
func (e *Engine) view() []Flight {
	out := make([]Flight, 0, len(e.flights)+len(e.past))
	for _, f := range e.flights {
		out = append(out, f.show())
	}
	slices.SortFunc(out, func(x, y Flight) int { return x.Began.Compare(y.Began) })
	for i := range e.past {
		out = append(out, e.past[(e.last-i+2*maxLanded)%maxLanded])
	}
	return out
}

func (f *flight) show() Flight {
	shown := Flight{Address: f.address, Began: f.began}
	if len(f.noticed) > 0 {
		shown.Interface = f.noticed[0].Interface
	}
	return shown
}

// remember keeps a flight that has ended for View.
func (e *Engine) remember(f *flight) {
	shown := f.show()
	shown.Ended, shown.Verdict = time.Now(), f.verdict.String()
	for _, r := range f.replies {
		if len(r.Leases) > 0 {
			shown.Holder = r.Server
			break
		}
	}
	if len(e.past) < maxLanded {
		e.past = append(e.past, shown)
		e.last = len(e.past) - 1
		return
	}
	e.last = (e.last + 1) % maxLanded
	e.past[e.last] = shown
}

// list returns at most so many places that have not run out.
func (n *negatives) list(now time.Time, most int) []Negative {
	if n.many.Load() == 0 {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []Negative
	for p, until := range n.until.All() {
		if len(out) == most {
			break
		}
		if until.After(now) {
			out = append(out, Negative{p, until})
		}
	}
	return out
}
