package agent

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/binding"
	"leaseroute/routes"
)

// An audience is an announcer with a table of n routes, and somebody who
// listens; its time goes by in ticks.
type audience struct {
	*testing.T
	a     *announcer
	table *binding.Table
	now   time.Time
}

func newAudience(t *testing.T, n int) *audience {
	log := logrus.New()
	log.SetOutput(io.Discard)
	h := &audience{T: t, a: newAnnouncer(20_000, logrus.NewEntry(log)), now: time.Now()}
	h.table = binding.New(binding.Policy{
		Allowed: []netip.Prefix{netip.MustParsePrefix("2001:db8:8000::/33")}, MinLength: 48, MaxLength: 64,
	}, h.now)
	b := &binding.Batch{}
	for i := range n {
		b.Observations = append(b.Observations, binding.Observation{
			Key: home(i), Source: binding.FromBulk, Server: 1, Client: fmt.Appendf(nil, "client%d", i),
			Received: h.now, CLT: h.now, ValidUntil: h.now.Add(time.Hour), PreferredUntil: h.now.Add(time.Hour),
			Interface: 1, NextHop: netip.MustParseAddr("fe80::1"),
		})
	}
	made := h.table.Apply(h.now, b, nil)
	h.table.Record(h.now, made, nil)
	h.a.wrote(made)
	return h
}

func home(i int) binding.Key {
	return keyOf(netip.MustParsePrefix(fmt.Sprintf("2001:db8:8000:%x::/64", i)))
}

// tick lets steps go by.
func (h *audience) tick(n int) {
	for range n {
		h.now = h.now.Add(step)
		h.a.tick(h.now)
	}
}

// look takes the look that is due, in which so much was lost.
func (h *audience) look(lost uint64) {
	h.Helper()
	j, ok := h.a.next(h.table)
	if !ok || !j.look {
		h.Fatalf("the next job is %+v, %t; want a look", j, ok)
	}
	h.a.looks()
	h.a.heard(h.now, result{job: j, lost: lost, losers: []routes.Listener{{Inode: 7, Lost: lost}}})
}

// idle fails the test if there is anything to do.
func (h *audience) idle() {
	h.Helper()
	if j, ok := h.a.next(h.table); ok {
		h.Errorf("the next job is %+v; want none", j)
	}
}

// repeats takes pages up to the end of the pass, and counts what is in them.
func (h *audience) repeats(size int) (moves, withdrawals int) {
	h.Helper()
	for {
		j, ok := h.a.next(h.table)
		if !ok || j.look {
			return moves, withdrawals
		}
		if len(j.repeats) > size || j.rate != h.a.rate {
			h.Fatalf("%d repeats at %d/s, want at most %d at %d/s", len(j.repeats), j.rate, size, h.a.rate)
		}
		for _, c := range j.repeats {
			if c.Op == binding.Withdraw {
				withdrawals++
			} else {
				moves++
			}
		}
		h.a.repeated(result{job: j, repeated: true})
	}
}

func (h *audience) is(want hearing) {
	h.Helper()
	if h.a.hearing != want {
		h.Errorf("the hearing is %s, want %s", h.a.hearing, want)
	}
}

func withdrawals(from, to int) (out []binding.Change) {
	for i := from; i < to; i++ {
		out = append(out, binding.Change{Op: binding.Withdraw, Key: home(i)})
	}
	return out
}

// TestAnnouncer (DESIGN.md rule 8) follows bursts of which somebody lost some.
func TestAnnouncer(t *testing.T) {
	const n = 1000
	t.Run("nothing was lost: nothing is repeated", func(t *testing.T) {
		h := newAudience(t, n)
		h.idle() // in the midst of the burst
		h.tick(2)
		h.look(0)
		h.tick(10)
		h.idle()
		h.is(hearingExact)
	})
	t.Run("until a pass loses nothing, each in smaller pages", func(t *testing.T) {
		h := newAudience(t, n)
		h.a.wrote(withdrawals(5000, 5300))
		h.tick(2)
		h.look(77)
		h.is(hearingWaiting)
		h.tick(calmTicks)
		for pass, lost := range []uint64{12, 3, 0} {
			h.is(hearingBusy)
			if moves, gone := h.repeats(repeatBatch >> pass); moves != n || gone != 300 {
				t.Errorf("pass %d repeats %d routes and %d withdrawals, want %d and 300", pass, moves, gone, n)
			}
			h.look(lost)
			h.tick(1)
		}
		h.is(hearingExact)
		h.idle()
		if c := h.a.counts.all(); c["announce_bursts"] != 1 || c["announce_passes"] != 3 || len(h.a.gone) != 0 {
			t.Errorf("counts are %v, %d withdrawals are remembered", c, len(h.a.gone))
		}
	})
	t.Run("a change while a pass is under way goes first, and is not undone", func(t *testing.T) {
		h := newAudience(t, n)
		h.tick(2)
		h.look(77)
		h.tick(calmTicks)
		j, _ := h.a.next(h.table)
		first := j.repeats[0].Key
		out := h.table.Clear(h.now, first, nil)
		h.a.wrote(out)
		h.table.Record(h.now, out, nil)
		j, _ = h.a.next(h.table)
		if len(j.repeats) != 1 || j.repeats[0].Op != binding.Withdraw || j.repeats[0].Key != first {
			t.Errorf("the next repeats are %v; want the withdrawal of %v", j.repeats, first)
		}
		if moves, gone := h.repeats(repeatBatch); moves != n-1 || gone != 1 {
			t.Errorf("%d routes and %d withdrawals are repeated, want %d and 1", moves, gone, n-1)
		}
	})
	t.Run("a burst that falls into a pass is waited for, and does not make the pages smaller", func(t *testing.T) {
		h := newAudience(t, n)
		h.tick(2)
		h.look(77)
		h.tick(calmTicks)
		h.a.wrote(withdrawals(5000, 7000))
		h.tick(1)
		h.repeats(repeatBatch)
		h.look(5)
		h.is(hearingWaiting)
		h.tick(calmTicks)
		if _, gone := h.repeats(repeatBatch); gone != 2000 {
			t.Errorf("%d withdrawals are repeated, want 2000", gone)
		}
	})
	t.Run("changes that never end don't put it off for ever", func(t *testing.T) {
		h := newAudience(t, n)
		h.tick(2)
		h.look(77)
		for range int(longestBurst/step) + 1 {
			h.is(hearingWaiting)
			h.a.wrote(withdrawals(0, 2000))
			h.tick(1)
		}
		h.is(hearingBusy)
	})
	t.Run("rule 10: who does not read at all is given up, until it reads again", func(t *testing.T) {
		h := newAudience(t, n)
		h.tick(2)
		h.look(77)
		h.tick(calmTicks)
		for range mostPasses {
			h.a.next(h.table)
			h.repeats(h.a.pass.size)
			h.look(1)
			h.tick(1)
		}
		h.is(hearingTired)
		h.a.wrote(withdrawals(1, 2))
		h.tick(int(2*announceRest/step) + 1)
		h.look(1)
		h.is(hearingTired)
		h.a.wrote(withdrawals(2, 3))
		h.tick(2)
		h.look(0)
		h.is(hearingWaiting)
	})
	t.Run("rule 10: withdrawals beyond what is remembered are counted", func(t *testing.T) {
		h := newAudience(t, 0)
		many := withdrawals(0, 1)
		for len(many) < mostGone {
			many = append(many, many...)
		}
		h.a.wrote(many)
		h.a.wrote(many[:3])
		if got := h.a.counts.forgotten.Load(); got != 3 || len(h.a.gone) != mostGone {
			t.Errorf("%d are remembered, %d counted; want %d, 3", len(h.a.gone), got, mostGone)
		}
	})
	t.Run("a reload in the midst of a pass: it is begun anew", func(t *testing.T) {
		h := newAudience(t, n)
		h.tick(2)
		h.look(77)
		h.tick(calmTicks)
		h.a.next(h.table)
		h.a.inherit(h.now, 10_000, result{})
		h.is(hearingWaiting)
		h.tick(calmTicks)
		if moves, _ := h.repeats(repeatBatch); moves != n || h.a.rate != 10_000 {
			t.Errorf("%d routes are repeated at %d/s, want %d at 10000/s", moves, h.a.rate, n)
		}
	})
	t.Run("a reload behind a burst that was not looked at", func(t *testing.T) {
		h := newAudience(t, n)
		h.a.inherit(h.now, 20_000, result{lost: 5})
		h.is(hearingWaiting)
		h.a.inherit(h.now, 0, result{})
		h.is(hearingOff)
		h.a.inherit(h.now, 20_000, result{})
		h.is(hearingExact)
	})
	t.Run("off", func(t *testing.T) {
		h := newAudience(t, 0)
		h.a = newAnnouncer(0, h.a.log)
		h.a.wrote(withdrawals(0, 9))
		h.tick(10)
		h.idle()
		h.is(hearingOff)
	})
	t.Run("what others lose can't be seen", func(t *testing.T) {
		h := newAudience(t, n)
		h.tick(2)
		j, _ := h.a.next(h.table)
		h.a.looks()
		h.a.heard(h.now, result{job: j, err: errors.New("no such file")})
		h.a.wrote(withdrawals(0, 9))
		h.tick(10)
		h.idle()
		if s := h.a.show(); s.State != "unknown" || s.Error != "no such file" {
			t.Errorf("status shows %+v", s)
		}
	})
}
