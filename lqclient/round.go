package lqclient

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/binding"
)

// round does a job: it connects, asks, and says by marks what the answers
// prove. What has been handed on stays good if it breaks off (R55).
func (r *Requestor) round(ctx context.Context, l *line, j job) error {
	began := time.Now()
	r.board.change(func(s *Status) { s.State, s.Query = Connecting, "" })
	bindings := new(atomic.Uint64)
	if j.all {
		bindings = &r.board.bindings
		bindings.Store(0)
	}
	err := r.parts(ctx, l, r.plan(j), bindings)
	switch {
	case err == nil:
		clear(r.breaks)
		r.backoff.reset() // a query that completes beside one that never does would keep the pause short
		r.complete(j, began, bindings.Load())
	case !errors.Is(err, errNoSource) && ctx.Err() == nil:
		count(&r.notes.counters.RoundsBroken)
	}
	return err
}

// parts does the parts of a round one after the other, and counts what they
// yield. That one about a link
// leads to nothing is no failure: the server may not know the link, and a
// round about all says more.
func (r *Requestor) parts(ctx context.Context, l *line, parts []part, bindings *atomic.Uint64) error {
	if !slices.ContainsFunc(parts, part.askable) {
		return r.useless(parts[0], nil)
	}
	if _, err := l.get(ctx); err != nil {
		return err
	}
	r.board.change(func(s *Status) { s.State, s.NextTry = Querying, time.Time{} })
	for _, p := range parts {
		err := r.askPart(ctx, l, p, bindings)
		var useless *uselessError
		if errors.As(err, &useless) && !p.all {
			r.notes.log.WithField("error", err).Info("round about a link led to nothing")
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// askPart asks one part between its marks.
func (r *Requestor) askPart(ctx context.Context, l *line, p part, bindings *atomic.Uint64) error {
	box := r.outbox(ctx)
	mark := func(m binding.Mark) error {
		if !p.all && p.Interface == 0 { // it would speak for all
			return nil
		}
		return box.mark(m, r.server.Number, p.Interface)
	}
	if err := mark(binding.RoundBegins); err != nil {
		return err
	}
	err := r.chain(ctx, l, p, bindings)
	if err != nil {
		return errors.Join(err, mark(binding.RoundIncomplete))
	}
	return mark(binding.RoundComplete)
}

// complete shows and logs that every query of a round was answered.
func (r *Requestor) complete(j job, began time.Time, bindings uint64) {
	count(&r.notes.counters.RoundsComplete)
	now := time.Now()
	r.board.change(func(s *Status) {
		s.State, s.Error, s.Query = Complete, nil, ""
		if j.all {
			s.LastComplete = now
			s.Rounds++
		}
		s.Served = max(s.Served, j.request)
	})
	r.notes.log.WithFields(logrus.Fields{
		"bindings": bindings,
		"took":     now.Sub(began).Round(time.Millisecond),
		"all":      j.all,
	}).Info("round complete")
}
