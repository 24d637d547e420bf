package binding

import (
	"slices"
	"testing"
	"time"
)

// asks wants the table to ask server 1 about these leases and no others.
func (l *lab) asks(s Server, want ...Key) {
	l.Helper()
	got := l.table.Suspects(s, 100, nil)
	slices.SortFunc(got, func(a, b Key) int { return a.Prefix.Compare(b.Prefix) })
	if !slices.Equal(got, want) {
		l.Errorf("asks server %d about %v, want %v", s, got, want)
	}
}

func (l *lab) doubts(k Key, why Reason) {
	l.Helper()
	if b := l.get(k); b.Doubt != why {
		l.Errorf("%v is doubted since %q, want %q", k.Prefix, b.Doubt, why)
	}
}

// passes lets time pass until s.
func (l *lab) passes(s float64) {
	l.now = s
	l.expire()
}

func TestEndIsNear(t *testing.T) {
	p := openPolicy
	p.CheckBefore = 5 * time.Minute
	const near = 3600 - 300 // an hour's lease
	t.Run("a lease that nobody renewed is asked about once before its end", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -10))
		l.passes(near - 1)
		l.asks(1)
		l.passes(near)
		l.asks(1, keyP)
		l.doubts(keyP, Expiring)
		l.passes(near + 60)
		l.asks(1)
		l.passes(3600)
		if _, ok := l.table.Get(keyP); ok {
			t.Error("it did not expire")
		}
	})
	t.Run("a renewal that nobody saw is learnt from the answer, and its end is asked about again", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -10))
		l.passes(near)
		l.asks(1, keyP)
		l.say(l.held(alice, near-100, from(FromLookup)))
		l.doubts(keyP, NoReason)
		l.passes(3600)
		l.asks(1)
		l.passes(near + near)
		l.asks(1, keyP)
	})
	t.Run("what the server confirms as it is stays until its end, without another question", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -10))
		l.passes(near)
		l.asks(1, keyP)
		l.say(l.held(alice, -10, from(FromLookup), l.until(3600)))
		l.doubts(keyP, NoReason)
		l.passes(near + 100)
		l.asks(1)
	})
	t.Run("what was renewed in time is not asked about", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -10))
		l.passes(1800)
		l.say(l.held(alice, 1800, from(FromGlean)))
		l.passes(near + 100)
		l.asks(1)
	})
	t.Run("of a short lease no more than the last eighth is near its end", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, 0, l.until(80)))
		l.passes(69)
		l.asks(1)
		l.passes(70)
		l.asks(1, keyP)
	})
	t.Run("a lease without end is never asked about for that", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, 0, func(o *Observation) { o.ValidUntil = Forever }))
		l.passes(1 << 30)
		l.asks(1)
	})
}

func TestUnresolvedIsAskedAbout(t *testing.T) {
	l := newLab(t, openPolicy)
	l.say(l.held(alice, -10, nowhere))
	l.state(keyP, Unresolved, NoNextHop)
	l.asks(1, keyP)
	l.say(l.held(alice, -10, nowhere, from(FromLookup)))
	l.asks(1) // the answer did not say either
	l.now = 10
	l.say(l.held(alice, 9, nowhere))
	l.asks(1, keyP)
	l.say(l.held(alice, 9, from(FromLookup)))
	l.state(keyP, Installed, LaterCLT)
}

func TestRecalledIsAskedAbout(t *testing.T) {
	recall := func(t *testing.T) *lab {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -100, from(FromState)))
		l.say(l.held(bob, -100, from(FromState), of(keyQ), by(2)))
		l.asks(1)
		l.table.AskRecalled(l.at(l.now), 1)
		l.asks(1, keyP)
		l.asks(2)
		l.doubts(keyP, NoReason)
		l.now = 1
		return l
	}
	t.Run("R131 R42 denied, it goes", func(t *testing.T) {
		l := recall(t)
		l.say(l.held("", 1, from(FromLookup), saying(Denied)))
		if b, ok := l.table.Get(keyP); ok {
			t.Errorf("still there: %+v", b)
		}
	})
	t.Run("R131 what the server can't tell stays, without a doubt", func(t *testing.T) {
		l := recall(t)
		l.say(l.held("", 1, from(FromLookup), saying(NoAnswer)))
		l.state(keyP, Installed, FirstHeard)
		l.doubts(keyP, NoReason)
	})
	t.Run("R131 confirmed, it is not asked about again", func(t *testing.T) {
		l := recall(t)
		l.say(l.held(alice, -100, from(FromLookup)))
		l.table.AskRecalled(l.at(l.now), 1)
		l.asks(1)
	})
}

func TestTwoClientsClaimAPrefix(t *testing.T) {
	t.Run("that two servers name different clients is asked about, whoever came first", func(t *testing.T) {
		for _, clt := range []float64{-50, -200} {
			l := newLab(t, openPolicy)
			l.say(l.held(alice, -100))
			l.say(l.held(bob, clt, by(2)))
			l.doubts(keyP, ClientDisputed)
			if clt == -50 {
				l.asks(1)
				l.asks(2, keyP)
			} else {
				l.asks(1, keyP)
				l.asks(2)
			}
		}
	})
	t.Run("R42 the answer ends it: denied, it goes", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -100))
		l.say(l.held(bob, -50, by(2)))
		l.now = 1
		l.say(l.held("", 1, by(2), from(FromLookup), saying(Denied)))
		if b, ok := l.table.Get(keyP); ok {
			t.Errorf("still there: %+v", b)
		}
	})
	t.Run("the answer ends it: confirmed, the other's word raises no more doubt", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -100))
		l.say(l.held(bob, -50, by(2)))
		l.asks(2, keyP)
		l.say(l.held(bob, -50, by(2), from(FromLookup)))
		l.doubts(keyP, NoReason)
		l.say(l.held(alice, -100))
		l.doubts(keyP, NoReason)
		l.asks(1)
		l.asks(2)
	})
	t.Run("one server that has given a prefix to another client is believed", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -100))
		l.say(l.held(bob, -1, from(FromGlean)))
		l.doubts(keyP, NoReason)
		l.asks(1)
	})
}

func TestOverlappingPrefixes(t *testing.T) {
	outer, inner := prefixKey("2001:db8:8000:100::/56"), keyP
	t.Run("a prefix inside another client's: both are asked about", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -100, of(outer)))
		l.say(l.held(bob, -50, of(inner)))
		l.doubts(outer, Overlapping)
		l.doubts(inner, Overlapping)
		l.asks(1, outer, inner)
		l.say(l.held(alice, -100, of(outer), from(FromLookup)), l.held(bob, -50, of(inner), from(FromLookup)))
		l.doubts(outer, NoReason)
		l.doubts(inner, NoReason)
		l.now = 100
		l.say(l.held(alice, 99, of(outer))) // confirmed ones are not doubted for a neighbour's renewal
		l.asks(1)
	})
	t.Run("the same client's, no question", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -100, of(outer)), l.held(alice, -50, of(inner)))
		l.asks(1)
	})
}

func TestRemembered(t *testing.T) {
	l := newLab(t, openPolicy)
	l.say(l.held(alice, -10, of(keyP), from(FromGlean)))
	a := keyP.Prefix.Addr().Next()
	if k, ok := l.table.Remembered(a); ok {
		t.Errorf("%v is remembered, and nothing was told of it", k)
	}
	l.now = 5
	l.say(l.held(alice, 5, of(keyP), from(FromGlean), saying(Released)))
	if k, ok := l.table.Remembered(a); !ok || k != keyP {
		t.Errorf("%v, %t; want what was released", k, ok)
	}
}

// The packet that taught a lease, and when it came, are told after a lookup
// that has confirmed it too.
func TestConfirmationKeepsThePacket(t *testing.T) {
	l := newLab(t, openPolicy)
	l.say(l.held(alice, 0, from(FromGlean), func(o *Observation) { o.Exchange = ReplyToRequest }, l.until(3600)))
	l.now = 7
	l.say(l.held(alice, 0, from(FromLookup), l.until(3600)))
	story := l.table.Story(keyP)
	if e := story[len(story)-1]; e.Exchange != ReplyToRequest || !e.At.Equal(l.at(0)) || e.Source != FromGlean {
		t.Errorf("the last event is %+v", e)
	}
	l.now = 9
	l.say(l.held(alice, 8, from(FromLookup))) // the client has renewed unseen
	story = l.table.Story(keyP)
	if e := story[len(story)-1]; e.Source != FromLookup || !e.At.Equal(l.at(9)) {
		t.Errorf("the last event is %+v", e)
	}
}
