package binding

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"
)

func TestMerge(t *testing.T) {
	t.Run("R70, C89: disjoint prefixes of one client from two servers are both kept", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -5), l.held(alice, -9, of(keyQ), by(2)))
		l.holds(alice, FirstHeard)
		if b := l.get(keyQ); b.Server != 2 || string(b.Client) != alice {
			t.Errorf("Q is %+v", b)
		}
	})
	t.Run("R71, C90: an age of 10 received at 0 loses to an age of 100 received at 3600", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -10, l.until(9000)))
		l.now = 3600
		l.say(l.held(bob, 3500, by(2)))
		l.holds(bob, LaterCLT)
	})
	t.Run("R72, C102: what waits in a queue for 30 s keeps its instants", func(t *testing.T) {
		l := newLab(t, openPolicy)
		o := l.held(alice, -5)
		l.now = 30
		l.say(o)
		if b := l.get(keyP); !b.ValidUntil.Equal(l.at(3600)) || !b.CLT.Equal(l.at(-5)) || !b.Received.Equal(l.at(0)) {
			t.Errorf("binding is %+v", b)
		}
	})
	t.Run("R73, C104: an infinite lifetime never ends, a finite one does", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, 0, func(o *Observation) { o.ValidUntil, o.PreferredUntil = Forever, Forever }), l.held(alice, 0, of(keyQ)))
		l.now = 3599
		l.wants(l.expire())
		l.now = 3600
		l.wants(l.expire(), "withdraw 2001:db8:8000:130::/60")
		l.now = 1e8
		l.wants(l.expire())
		if b := l.get(keyP); !b.ValidUntil.Equal(Forever) || !b.PreferredUntil.Equal(Forever) {
			t.Errorf("binding is %+v", b)
		}
	})
	t.Run("R74: of two gleaned statements the later one holds, however near", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, 0, from(FromGlean)))
		l.now = 0.5
		l.wants(l.say(l.held(alice, 0.5, from(FromGlean), via(2, hop2))), "move 2001:db8:8000:120::/60 2 fe80::2")
	})
	t.Run("R75: instants 2 s apart are a tie, more are not", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -100, from(FromLookup)))
		l.say(l.held(bob, -98))
		l.holds(alice, FirstHeard)
		l.say(l.held(bob, -97.9))
		l.holds(bob, LaterCLT)
	})
	t.Run("R78, C92: a tie of one client completes the record and moves no route", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -10, l.until(50)))
		l.now = 2
		l.wants(l.say(l.held(alice, -9, from(FromGlean), via(2, hop2), func(o *Observation) { o.HasIAID, o.IAID = true, 7 })))
		b := l.get(keyP)
		if b.Interface != 1 || b.NextHop != hop1 || !b.CLT.Equal(l.at(-10)) || !b.ValidUntil.Equal(l.at(3602)) || b.IAID != 7 || b.Source != FromGlean {
			t.Errorf("binding is %+v", b)
		}
	})
	t.Run("R78: a tie fills in where the client is", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.wants(l.say(l.held(alice, -10, nowhere)))
		l.wants(l.say(l.held(alice, -11)), "install 2001:db8:8000:120::/60 1 fe80::1")
	})
	t.Run("R78: lifetimes come from the message that was received later", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.now = 10
		l.say(l.held(alice, 5, l.until(500)))
		l.now = 4
		early := l.held(alice, 4, l.until(900))
		l.now = 11
		l.say(early)
		if b := l.get(keyP); !b.ValidUntil.Equal(l.at(500)) {
			t.Errorf("valid until %v, want 500 s", b.ValidUntil.Sub(l.base))
		}
	})
	t.Run("R87: what loses for one prefix may win for its neighbour", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -10))
		l.say(l.held(bob, -100, by(2)), l.held(bob, -100, by(2), of(keyQ)))
		l.holds(alice, FirstHeard)
		if b := l.get(keyQ); string(b.Client) != bob {
			t.Errorf("Q is held by %q", b.Client)
		}
	})
	t.Run("R92: one server's answers to several queries change nothing", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -10))
		l.now = 5
		l.wants(l.say(l.held(alice, -10), l.held(alice, -10, from(FromLookup)), l.held(alice, -10)))
		if c := l.table.Counts(); c.Merged != 3 {
			t.Errorf("%d were merged, want 3", c.Merged)
		}
	})
	t.Run("R130, C115: one server's incomplete round leaves the other's bindings alone", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -10, by(2)))
		l.mark(RoundBegins, 1, 0)
		l.mark(RoundIncomplete, 1, 0)
		l.mark(RoundBegins, 1, 0)
		l.mark(RoundComplete, 1, 0)
		l.state(keyP, Installed, FirstHeard)
	})
}

// TestWorkedExample is the one at the end of PROTOCOL.md 3.10's rules.
func TestWorkedExample(t *testing.T) {
	l := newLab(t, openPolicy)
	l.now = 100
	l.say(l.held(alice, -3500))
	l.now = 150
	l.say(l.held(alice, 150, from(FromGlean)))
	l.holds(alice, LaterCLT)
	l.now = 160
	l.wants(l.say(l.held(alice, 151, by(2))))
	l.now = 170
	l.wants(l.say(l.held(bob, 110, by(2))))
	l.holds(alice, LaterCLT)
	l.tells(EarlierCLT, false)
}

func TestConflict(t *testing.T) {
	t.Run("R77, C91: the later CLT wins between servers", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -100))
		l.say(l.held(bob, -50, by(2)))
		l.holds(bob, LaterCLT)
		l.tells(LaterCLT, true)
		l.say(l.held(alice, -90))
		l.holds(bob, LaterCLT)
		l.tells(EarlierCLT, false)
		if c := l.table.Counts(); c.Conflicts != 2 || c.Ties != 0 || c.Repelled != 1 || l.table.Repelled() != keyP {
			t.Errorf("counts are %+v, repelled a claim to %v", c, l.table.Repelled())
		}
	})
	t.Run("R77: another client by the same next hop writes nothing to the kernel", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -100))
		l.wants(l.say(l.held(bob, -50)))
		l.wants(l.say(l.held(alice, -20, via(1, hop2))), "move 2001:db8:8000:120::/60 1 fe80::2")
	})
	t.Run("R77: another client whose place is unknown does not get the old one's route", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -100))
		l.wants(l.say(l.held(bob, -50, nowhere)), "withdraw 2001:db8:8000:120::/60")
		l.state(keyP, Unresolved, NoNextHop)
		l.say(l.held(bob, -20))
		l.wants(l.say(l.held(bob, -10, nowhere)))
		l.state(keyP, Installed, LaterCLT)
	})
	ranks := []Source{FromState, FromBulk, FromLookup, FromNotify, FromActive, FromGlean}
	for i, lesser := range ranks[:len(ranks)-1] {
		better := ranks[i+1]
		t.Run("R79, C93: "+better.String()+" before "+lesser.String(), func(t *testing.T) {
			l := newLab(t, openPolicy)
			l.say(l.held(alice, -10, from(lesser)))
			l.say(l.held(bob, -10.5, from(better)))
			l.holds(bob, HigherRank)
			l.say(l.held(alice, -10, from(lesser)))
			l.holds(bob, HigherRank)
			l.tells(LowerRank, false)
			if c := l.table.Counts(); c.Ties != 2 {
				t.Errorf("%d ties, want 2", c.Ties)
			}
		})
	}
	t.Run("R79 of one server's words by one source the later wins, whatever its clock says within the tolerance", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -1))
		l.now = 1
		l.say(l.held(bob, -0.5-1, by(1)))
		l.holds(bob, LaterCLT)
	})
	t.Run("R79 R60 what its server has since said of another client is asked about, and the answer stands", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -1, from(FromLookup)))
		l.now = 1
		l.wants(l.say(l.held(bob, 0)))
		l.holds(alice, FirstHeard)
		if b, asked := l.get(keyP), l.table.Suspects(1, 1, nil); b.Doubt != ClientDisputed || len(asked) != 1 {
			t.Errorf("doubt %v, %d to ask about; want %v, 1", b.Doubt, len(asked), ClientDisputed)
		}
		l.say(l.held(bob, 0, from(FromLookup)))
		l.holds(bob, LaterCLT)
		if b := l.get(keyP); b.Doubt != NoReason {
			t.Errorf("doubt %v after the answer", b.Doubt)
		}
	})
	t.Run("R79, C93: then the server that is configured first", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -10, by(2)))
		l.say(l.held(bob, -10.5, by(1)))
		l.holds(bob, EarlierServer)
		l.say(l.held(alice, -10, by(2)))
		l.tells(LaterServer, false)
	})
	t.Run("R79, C93: then the smaller server DUID", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -10, func(o *Observation) { o.ServerDUID = serverDUID(5) }))
		l.say(l.held(bob, -10.5, func(o *Observation) { o.ServerDUID = serverDUID(3) }))
		l.holds(bob, LowerDUID)
		l.say(l.held(alice, -10, func(o *Observation) { o.ServerDUID = serverDUID(5) }))
		l.tells(HigherDUID, false)
	})
	t.Run("explain: the story names both clients, and the rule", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -100))
		l.now = 1
		l.say(l.held(bob, -50, by(2)))
		story := l.table.Story(keyP)
		if last := story[len(story)-1]; !last.Remark || last.Reason != ClientDisputed {
			t.Errorf("last event is %+v", last)
		}
		e := story[len(story)-2]
		if string(e.Client) != bob || string(e.Other) != alice || e.Server != 2 || !e.Won || e.Reason.Rule() != "R77" || !e.At.Equal(l.at(1)) {
			t.Errorf("last event is %+v", e)
		}
	})
	t.Run("explain: the story names the packet that taught, and where, whichever word came first", func(t *testing.T) {
		renew := func(o *Observation) { o.Source, o.Exchange = FromGlean, ReplyToRenew }
		for _, gleanedFirst := range []bool{true, false} {
			l := newLab(t, openPolicy)
			words := []Observation{l.held(alice, -5, renew), l.held(alice, -5)}
			if !gleanedFirst {
				slices.Reverse(words)
			}
			l.say(words...)
			if e := l.table.Story(keyP)[0]; e.Exchange != ReplyToRenew || e.Interface != 1 || e.Exchange.String() != "Reply to Renew" {
				t.Errorf("gleaned first %t: the event is %+v", gleanedFirst, e)
			}
		}
	})
	t.Run("explain: a Release of a lease that is not known is told", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -5, saying(Released), func(o *Observation) { o.Source, o.Exchange = FromGlean, OnRelease }))
		if story := l.table.Story(keyP); len(story) != 1 || story[0].Exchange != OnRelease || story[0].Reason != ReleasedByOwner {
			t.Errorf("the story is %+v", story)
		}
	})
}

// TestAnyOrder is C94: two statements further apart than EPS give the same
// binding and the same route in both orders.
func TestAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(94, 94))
	for range 2000 {
		l := newLab(t, openPolicy)
		l.now = 50
		pick := func(clt float64, n uint64) Observation {
			return l.held([]string{alice, bob}[r.IntN(2)], clt, from(Source(2+r.IntN(5))), by(Server(1+r.IntN(2))),
				via(1, hop1), numbered(n), saying(Statement(r.IntN(2))))
		}
		a := pick(-100+r.Float64()*50, 5)
		b := pick(-45+r.Float64()*40, 6)
		if r.IntN(2) == 0 {
			a.HasSequence, b.HasSequence = false, r.IntN(2) == 0
		}
		l.say(a, b)
		m := newLab(t, openPolicy)
		m.base, m.table = l.base, New(openPolicy, l.base)
		m.now = 50
		m.say(b, a)
		x, okx := l.table.Get(keyP)
		y, oky := m.table.Get(keyP)
		same := okx == oky && string(x.Client) == string(y.Client) && x.Server == y.Server && x.CLT.Equal(y.CLT) && x.State == y.State
		if !same {
			t.Fatalf("C94: %+v, then %+v: %+v; other way %+v", a, b, x, y)
		}
	}
}

func TestSequence(t *testing.T) {
	p := openPolicy
	p.MaxJump = 100
	t.Run("R76, C95: the higher number of one server wins though its CLT is older", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -10, numbered(5)))
		l.say(l.held(bob, -100, numbered(6)))
		l.holds(bob, NewerSequence)
		l.say(l.held(alice, -9, numbered(5)))
		l.holds(bob, NewerSequence)
		l.tells(OlderSequence, false)
	})
	t.Run("R76: the same number and content is a duplicate", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -10, numbered(5), l.until(100)))
		l.wants(l.say(l.held(alice, -60, numbered(5), l.until(101))))
		if c := l.table.Counts(); c.Merged != 1 {
			t.Errorf("%d were merged, want 1", c.Merged)
		}
	})
	t.Run("R76: the same number with another content goes on to the CLT", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -50, numbered(5)))
		l.say(l.held(bob, -10, numbered(5)))
		l.holds(bob, LaterCLT)
	})
	t.Run("R76, C98: numbers of different servers are not compared", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -10, numbered(5)))
		l.say(l.held(bob, -100, numbered(60), by(2)))
		l.holds(alice, FirstHeard)
	})
	t.Run("R77, C97: a number missing on one side leaves it to the CLT", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -50, numbered(5)))
		l.say(l.held(bob, -10))
		l.holds(bob, LaterCLT)
		l.say(l.held(alice, -90, numbered(6)))
		l.holds(bob, LaterCLT)
	})
	t.Run("R80, C96: a number lower than another prefix's still counts for its own", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -10, numbered(50)))
		l.say(l.held(alice, -10, numbered(7), of(keyQ)))
		l.say(l.held(bob, -100, numbered(8), of(keyQ)))
		if b := l.get(keyQ); string(b.Client) != bob || b.Sequence != 8 {
			t.Errorf("Q is %+v", b)
		}
	})
	t.Run("R81, C101: a message without its own number is judged by its CLT", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -50, numbered(5)), l.held(alice, -50, numbered(9), of(keyQ)))
		l.say(l.held(bob, -100))
		l.holds(alice, FirstHeard)
		l.say(l.held(bob, -10))
		l.holds(bob, LaterCLT)
		if b := l.get(keyP); b.HasSequence {
			t.Errorf("sequence number is %d, want none", b.Sequence)
		}
	})
	t.Run("R82: a gleaned message that was overtaken changes nothing", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, 0, from(FromGlean), numbered(6)))
		l.now = 0.01
		l.wants(l.say(l.held(alice, 0.01, from(FromGlean), numbered(5), via(2, hop2))))
		if b := l.get(keyP); b.Sequence != 6 || b.Interface != 1 {
			t.Errorf("binding is %+v", b)
		}
	})
	t.Run("R83: a number counts only from a configured server", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -10, numbered(5), func(o *Observation) { o.Server = 0 }))
		if b := l.get(keyP); b.HasSequence {
			t.Errorf("sequence number is %d, want none", b.Sequence)
		}
	})
	t.Run("R84, C99: a number too far ahead is not stored, and counted", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -50, numbered(5)))
		l.say(l.held(bob, -100, numbered(106)))
		l.holds(alice, FirstHeard)
		l.say(l.held(bob, -10, numbered(106)))
		l.holds(bob, LaterCLT)
		if b := l.get(keyP); b.HasSequence || l.table.Counts().Lockouts != 2 {
			t.Errorf("binding is %+v, lockouts %d", b, l.table.Counts().Lockouts)
		}
		l.say(l.held(alice, -5, numbered(6)), l.held(bob, -50, numbered(7)))
		l.holds(bob, NewerSequence)
	})
	t.Run("R84: 2^32 ahead is not too far by default", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -10, numbered(5)))
		l.say(l.held(bob, -100, numbered(5+1<<32)))
		l.holds(bob, NewerSequence)
		l.say(l.held(alice, -200, numbered(7+2<<32)))
		if l.holds(bob, NewerSequence); l.table.Counts().Lockouts != 1 {
			t.Errorf("%d lockouts, want 1", l.table.Counts().Lockouts)
		}
	})
	t.Run("R85, C100: three losses in a row with a later CLT open a new epoch", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -100, numbered(90)), l.held(alice, -100, numbered(91), of(keyQ)))
		l.say(l.held(bob, -10, numbered(1)))
		l.say(l.held(bob, -10, numbered(2), of(keyQ)), l.held(bob, -10, numbered(2)))
		l.holds(alice, FirstHeard)
		l.say(l.held(bob, -10, numbered(3)))
		l.holds(bob, LaterCLT)
		if c := l.table.Counts(); c.EpochResets != 1 {
			t.Errorf("%d resets, want 1", c.EpochResets)
		}
		l.say(l.held(bob, -9, numbered(4), of(keyQ)))
		if b := l.get(keyQ); string(b.Client) != bob {
			t.Errorf("Q, of the old epoch, was not judged by its CLT: %+v", b)
		}
		l.say(l.held(alice, -50, numbered(5)))
		l.holds(alice, NewerSequence)
	})
	t.Run("R85: a number that agrees in between begins the row again", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -100, numbered(50)), l.held(alice, -100, numbered(50), of(keyQ)))
		l.say(l.held(bob, -10, numbered(1)), l.held(bob, -10, numbered(2)))
		l.say(l.held(alice, -100, numbered(51), of(keyQ)))
		l.say(l.held(bob, -10, numbered(3)), l.held(bob, -10, numbered(4)))
		l.holds(alice, FirstHeard)
	})
	t.Run("R86: 64 bits compare without wrap, 32 bits by serial number arithmetic", func(t *testing.T) {
		narrow := func(n uint64) sequence { return sequence{value: n, narrow: true, known: true} }
		wide := func(n uint64) sequence { return sequence{value: n, known: true} }
		if narrow(2).beyond(narrow(0xfffffffe)) != 4 || narrow(0xfffffffe).beyond(narrow(2)) != -4 {
			t.Error("4 octets do not wrap")
		}
		if wide(2).beyond(wide(1<<64-2)) >= 0 || wide(1<<64-1).beyond(wide(0)) <= 0 {
			t.Error("8 octets wrap")
		}
		if wide(7).meets(narrow(7)) {
			t.Error("the two forms are compared with each other")
		}
	})
}

// TestClockStep is C103: the wall clock is stepped by an hour under a running
// monotonic clock.
func TestClockStep(t *testing.T) {
	l := newLab(t, openPolicy)
	l.say(l.held(alice, -5))
	now := l.at(10)
	const secondOfWall = 1 << 30 // see the layout of time.Time: 33 bits of seconds above 30 of nanoseconds
	*(*uint64)(unsafe.Pointer(&now)) += 3600 * secondOfWall
	if now.Sub(l.base) != 10*time.Second {
		t.Fatal("time.Time has another layout by now")
	}
	l.wants(l.table.Expire(now, nil))
	b := l.get(keyP)
	if left := b.ValidUntil.Sub(now); left != 3590*time.Second {
		t.Errorf("C103: %v left, want 3590 s", left)
	}
	if left := b.ValidUntil.Round(0).Sub(now.Round(0)); left != 3590*time.Second {
		t.Errorf("C103: by the wall clock %v are left, want 3590 s", left)
	}
}
