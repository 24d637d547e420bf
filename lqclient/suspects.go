package lqclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// settle asks the server about leases in doubt, by address and one at a time,
// until there are none (R60). It stops early when a round is asked for: another
// settle follows that. What is listed is listed once only, so what was not
// asked or not answered is kept for the next settle. One that is listed again
// was doubted anew since the question was sent: it is kept too, unless the
// server can't tell.
func (r *Requestor) settle(ctx context.Context, by questioner) error {
	told := make(map[binding.Key]bool) // what was asked about, and whether the server could tell
	for {
		if err := r.listSuspects(ctx, told); err != nil {
			return err
		}
		if len(r.suspects) == 0 {
			r.suspects, r.doubtedAnew = r.doubtedAnew, nil
			r.board.change(func(s *Status) { s.Error, s.NextTry, s.Query = nil, time.Time{}, "" })
			return nil
		}
		for len(r.suspects) > 0 {
			if r.requests.waiting() {
				return nil
			}
			key := r.suspects[0]
			r.suspects = r.suspects[1:]
			answered, err := r.question(ctx, by, key)
			if err != nil {
				r.suspects = append(r.suspects, key) // at the end, in case this one is what the server can't bear
				return err
			}
			told[key] = answered
		}
	}
}

// listSuspects asks for more suspects if none are left from an earlier settle.
func (r *Requestor) listSuspects(ctx context.Context, told map[binding.Key]bool) error {
	if len(r.suspects) > 0 || r.options.Suspects == nil {
		return nil
	}
	keys, err := r.options.Suspects(ctx, r.server.Number)
	if err != nil {
		return fmt.Errorf("list suspects: %w", err)
	}
	r.suspects = slices.DeleteFunc(keys, func(k binding.Key) bool {
		answered, asked := told[k]
		if answered {
			r.doubtedAnew = append(r.doubtedAnew, k)
		}
		return asked
	})
	return nil
}

// question asks about one lease and hands on the verdict; answered says that
// the server could tell. An error means that the connection is of no use any
// more.
func (r *Requestor) question(ctx context.Context, by questioner, key binding.Key) (answered bool, err error) {
	q := wire.Query{Type: wire.ByAddress, Address: key.Prefix.Addr()}
	_, refusedBefore := r.refusals.of(q)
	if refusedBefore || q.Validate() != nil {
		return false, r.rule(ctx, key, binding.NoAnswer, Answer{Sent: time.Now()})
	}
	if err := r.pace.Wait(ctx); err != nil {
		return false, err
	}
	r.board.change(func(s *Status) { s.Query = "suspect " + key.Prefix.String() })
	count(&r.notes.counters.SuspectsAsked)
	heard := hearing{key: key}
	d := r.decoder(ctx, binding.FromLookup)
	d.heed = func(o *binding.Observation) { heard.heed(o.Key) }
	answer, err := by.ask(ctx, q, d)
	if err != nil {
		return false, r.unanswered(ctx, q, key, answer, err)
	}
	r.backoff.reset()
	if heard.held {
		count(&r.notes.counters.SuspectsHeld)
		return true, nil
	}
	verdict := heard.verdict(answer, d.walker.skipped)
	return verdict == binding.Denied, r.rule(ctx, key, verdict, answer)
}

// unanswered deals with a question that was not answered in full. A status
// ends the question, unless the server is going.
func (r *Requestor) unanswered(ctx context.Context, q wire.Query, key binding.Key, a Answer, err error) error {
	var status *StatusError
	if errors.Is(err, ErrIncomplete) || !errors.As(err, &status) || status.Code == iana.StatusQueryTerminated {
		return fmt.Errorf("question about %s: %w", key.Prefix, err)
	}
	if refusesKind(status) {
		_ = r.refuse(q, status)
	}
	return r.rule(ctx, key, binding.NoAnswer, a)
}

// rule counts and hands on a verdict about one lease in doubt: nobody holds
// it, or no answer.
func (r *Requestor) rule(ctx context.Context, key binding.Key, s binding.Statement, a Answer) error {
	counter := &r.notes.counters.SuspectsNoAnswer
	if s == binding.Denied {
		counter = &r.notes.counters.SuspectsDenied
	}
	count(counter)
	return r.say(ctx, key, s, a)
}

// say hands on a verdict about one lease, as of the instant at which the
// question was sent.
func (r *Requestor) say(ctx context.Context, key binding.Key, s binding.Statement, a Answer) error {
	box := r.outbox(ctx)
	err := box.add(binding.Observation{
		Key:        key,
		Statement:  s,
		Source:     binding.FromLookup,
		Server:     r.server.Number,
		ServerDUID: box.open().Bytes(a.ServerDUID),
		Received:   time.Now(),
		CLT:        a.Sent,
	})
	return errors.Join(err, box.flush())
}

// A hearing is what the answer about one lease says of it.
type hearing struct {
	key       binding.Key
	held      bool // the answer tells of this very lease
	replaced  bool // it tells of another one that cannot be there beside it
	ambiguous bool // it tells of one of another kind at the same place
	elsewhere bool // it tells of another one of the kind, which has nothing to do with this one
}

// heed takes in one lease of the answer.
func (h *hearing) heed(key binding.Key) {
	same, overlaps := key.Kind == h.key.Kind, key.Prefix.Overlaps(h.key.Prefix)
	switch {
	case key == h.key:
		h.held = true
	case same && overlaps:
		h.replaced = true
	case overlaps:
		h.ambiguous = true
	case same:
		h.elsewhere = true
	}
}

// verdict is what an answer without the lease proves; skipped says that not
// all of the answer could be used.
//
// A server that tells of another delegation instead has looked for this one
// and found none. Kea does so for a prefix of a pool that it holds no lease
// for: it looks for a lease at the address shortened to each length that any
// pool delegates, and takes what begins there, whatever its length. An address
// at the same place, or an answer of which nothing could be used, proves
// nothing.
func (h *hearing) verdict(a Answer, skipped bool) binding.Statement {
	switch {
	case a.Messages == 0, h.replaced:
		return binding.Denied
	case h.elsewhere && !h.ambiguous && !skipped:
		return binding.Denied
	}
	return binding.NoAnswer
}
