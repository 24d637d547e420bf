package lqclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// An outcome is what became of one query of a chain. The zero outcome: it was
// not asked, since its kind was refused meanwhile.
type outcome struct {
	answered bool
	found    uint64       // observations
	refused  *StatusError // nil: it was not
	broke    bool         // the answer broke off, or there was none
}

// chain asks one kind of query after the other until one yields a binding, or
// all if the server's QueryAll is set. An empty success moves on too: the usual
// relay sends no relay-id, so that an answer by it is empty (C78). For the same
// reason an empty answer by relay-id alone proves nothing where the server
// refused all other kinds.
func (r *Requestor) chain(ctx context.Context, l *line, p part, bindings *atomic.Uint64) error {
	var reasons []error
	answered, telling, total := false, false, uint64(0)
	for _, s := range p.steps {
		outcomes, err := r.askAll(ctx, l, s, bindings)
		found := uint64(0)
		for i, o := range outcomes {
			answered = answered || o.answered
			telling = telling || o.answered && s.queries[i].Type != wire.ByRelayID
			found += o.found
			if o.refused != nil {
				reasons = append(reasons, r.refuse(s.queries[i], o.refused))
			}
		}
		if err != nil {
			return err
		}
		total += found
		if found > 0 && !r.server.QueryAll {
			return nil
		}
	}
	if !answered || total == 0 && (p.lacksLinks() || len(reasons) > 0 && !telling) {
		return r.useless(p, reasons)
	}
	return nil
}

// lacksLinks reports whether a round about all has yet to ask by link-address,
// since there is none. At boot an access interface often gets its address
// after we start, and for the usual relay no other kind of query yields
// anything: that nothing was found proves nothing then.
func (p part) lacksLinks() bool {
	return p.all && slices.ContainsFunc(p.left(), func(err error) bool { return errors.Is(err, errNoLinks) })
}

// useless is the error for a part of which no query is or was of use. reasons
// come from those that were asked, and are remembered by now.
func (r *Requestor) useless(p part, reasons []error) error {
	return &uselessError{append(reasons, p.left()...), r.part(p.scope).retryAt()}
}

// refuse remembers and logs a refusal.
func (r *Requestor) refuse(q wire.Query, s *StatusError) error {
	r.refusals.remember(q, s)
	r.notes.log.WithFields(logrus.Fields{"query": describe(q), "error": s}).Info("server refused query")
	return fmt.Errorf("%s: %w", describe(q), s)
}

// askAll asks the queries of a step, as many at a time as the server may have.
// The error is one for which the round must break off.
func (r *Requestor) askAll(ctx context.Context, l *line, s step, bindings *atomic.Uint64) ([]outcome, error) {
	outcomes := make([]outcome, len(s.queries))
	var refusedKind atomic.Bool
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.server.Concurrent)
	for i, q := range s.queries {
		g.Go(func() (err error) {
			if refusedKind.Load() || ctx.Err() != nil {
				return nil
			}
			outcomes[i], err = r.askOne(ctx, l, q, bindings)
			if s := outcomes[i].refused; s != nil && refusesKind(s) {
				refusedKind.Store(true)
			}
			return err
		})
	}
	err := g.Wait()
	for i, o := range outcomes {
		if o.broke {
			r.breaks[queryKey(s.queries[i])]++
		}
	}
	return outcomes, err
}

// askOne asks one query and hands on what it yields.
func (r *Requestor) askOne(ctx context.Context, l *line, q wire.Query, bindings *atomic.Uint64) (outcome, error) {
	r.board.change(func(s *Status) { s.Query = describe(q) })
	d := r.decoder(ctx, binding.FromBulk)
	d.total = bindings
	answer, err := l.ask(ctx, q, d)
	if answer.ServerDUID != nil {
		r.board.change(func(s *Status) { s.ServerDUID = answer.ServerDUID })
	}
	if s := refused(err); s != nil {
		return outcome{refused: s}, nil
	}
	if err != nil {
		return outcome{found: d.found, broke: true}, fmt.Errorf("query by %s: %w", describe(q), err)
	}
	return outcome{answered: true, found: d.found}, nil
}
