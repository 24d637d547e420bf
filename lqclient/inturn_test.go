package lqclient

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestServerTakesQueriesInTurn(t *testing.T) {
	t.Run("R52 a second answer that waits for the end of the first is no fault", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := testServer()
			s.Concurrent = 2
			a := lease("2001:db8:8000::/56")
			delivered, errs := several(t, s, 2, func(p *peer) {
				one, two := p.must().id, p.must().id
				p.say(reply(one, a))
				for range 9 {
					time.Sleep(30 * time.Second)
					p.say(data(one, a))
				}
				p.say(done(one), reply(two, a), done(two))
			})
			slices.Sort(delivered)
			if !slices.Equal(delivered, []int{1, 10}) || errors.Join(errs...) != nil {
				t.Errorf("delivered %v, errors %v; want 1 and 10 messages", delivered, errs)
			}
		})
	})
}

func TestRandomized(t *testing.T) {
	t.Run("R19 each pause has a random part of its own, a tenth either way", func(t *testing.T) {
		seen := make(map[time.Duration]bool)
		low, high := time.Hour, time.Duration(0)
		for range 10_000 {
			d := randomized(10 * time.Second)
			seen[d] = true
			low, high = min(low, d), max(high, d)
		}
		if low < 9*time.Second || high > 11*time.Second {
			t.Errorf("pauses from %s to %s, want 9 s to 11 s", low, high)
		}
		if low > 9100*time.Millisecond || high < 10900*time.Millisecond || len(seen) < 9000 {
			t.Errorf("%d different pauses from %s to %s: not spread over the whole range", len(seen), low, high)
		}
	})
}
