package binding

import (
	"slices"
	"testing"
	"time"
)

func TestEnd(t *testing.T) {
	t.Run("R88, C104: a winner with valid lifetime zero removes record and route", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -50))
		l.wants(l.say(l.held(alice, -10, saying(Withdrawn))), "withdraw 2001:db8:8000:120::/60")
		l.absent(keyP)
		l.tells(ZeroLifetime, true)
	})
	t.Run("R88: a loser with valid lifetime zero removes nothing", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -10, by(2)))
		l.wants(l.say(l.held(bob, -50, saying(Withdrawn))))
		l.holds(alice, FirstHeard)
		l.tells(EarlierCLT, false)
	})
	t.Run("R89, C109: a Release removes record and route at once", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -50))
		l.wants(l.say(l.held(alice, 0, from(FromGlean), saying(Released))), "withdraw 2001:db8:8000:120::/60")
		l.absent(keyP)
	})
	for _, tt := range []struct {
		name   string
		change func(*Observation)
	}{
		{"of somebody else", func(o *Observation) { o.Client = []byte(bob) }},
		{"on another interface", func(o *Observation) { o.Interface = 2 }},
		{"from another link-local", via(1, hop2)},
		{"whose place is unknown", nowhere},
		{"to another server", by(2)},
	} {
		t.Run("G-9, DESIGN rule 6: a Release "+tt.name+" removes nothing, but is asked about", func(t *testing.T) {
			l := newLab(t, openPolicy)
			l.say(l.held(alice, -50))
			l.wants(l.say(l.held(alice, 0, from(FromGlean), saying(Released), tt.change)))
			l.state(keyP, Suspect, FirstHeard)
			if b := l.get(keyP); b.Doubt != ReleaseDisputed {
				t.Errorf("doubt %v, want %v", b.Doubt, ReleaseDisputed)
			}
			l.tells(ReleaseDisputed, false)
			if keys := l.table.Suspects(1, 10, nil); !slices.Equal(keys, []Key{keyP}) {
				t.Errorf("to be asked about: %v", keys)
			}
		})
	}
	t.Run("G-9: a Release before the lease was heard of is believed of its client at its place only", func(t *testing.T) {
		for _, tt := range []struct {
			name string
			held Observation
			dead bool
		}{
			{"the same", newLab(t, openPolicy).held(alice, -50), true},
			{"another client", newLab(t, openPolicy).held(bob, -50), false},
			{"another interface", newLab(t, openPolicy).held(alice, -50, via(2, hop1)), false},
		} {
			l := newLab(t, openPolicy)
			l.say(l.held(alice, 0, from(FromGlean), saying(Released)))
			held := l.held(string(tt.held.Client), -50, via(tt.held.Interface, tt.held.NextHop))
			if l.say(held); (l.table.Counts().Bindings == 0) != tt.dead {
				t.Errorf("%s: %d bindings, dead should be %v", tt.name, l.table.Counts().Bindings, tt.dead)
			}
		}
	})
	t.Run("L16: what a server withdraws from one client, on the wire, is not taken from another", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -50))
		l.wants(l.say(l.held(bob, 0, from(FromGlean), saying(Withdrawn))))
		l.holds(alice, FirstHeard)
	})
	t.Run("R89, C110: what is older than the Release does not bring it back", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -50))
		l.now = 10
		l.say(l.held(alice, 10, from(FromGlean), saying(Released)))
		l.wants(l.say(l.held(alice, -50), l.held(alice, 12), l.held(bob, 11, by(2))))
		l.absent(keyP)
		l.tells(TombstoneHolds, false)
		l.now = 3000
		l.wants(l.say(l.held(alice, -50)))
		l.wants(l.say(l.held(alice, 12.5)), "install 2001:db8:8000:120::/60 1 fe80::1")
	})
	t.Run("R89: the guard lasts as long as the lease would have", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -50, l.until(9000)))
		l.say(l.held(alice, 0, from(FromGlean), saying(Released)))
		l.now = 8900
		l.expire()
		l.say(l.held(alice, -50))
		l.absent(keyP)
		l.now = 9100
		l.expire()
		if n := l.table.Counts().Tombstones; n != 0 {
			t.Errorf("%d tombstones, want none", n)
		}
	})
	t.Run("R89: a gleaned lease comes back however soon after the Release", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, 0, from(FromGlean), saying(Released)))
		l.now = 0.5
		l.wants(l.say(l.held(alice, 0.5, from(FromGlean))), "install 2001:db8:8000:120::/60 1 fe80::1")
	})
	t.Run("R89: a lease withdrawn before it was ever heard of stays away", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.wants(l.say(l.held(alice, -10, saying(Withdrawn)), l.held(alice, -50, by(2))))
		l.absent(keyP)
	})
	t.Run("O-2: what the operator cleared comes back only by a later CLT", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -50))
		l.now = 10
		l.wants(l.did(l.table.Clear(l.at(10), keyP, nil)), "withdraw 2001:db8:8000:120::/60")
		l.say(l.held(alice, 5))
		l.absent(keyP)
		l.now = 13
		l.say(l.held(alice, 13))
		l.holds(alice, FirstHeard)
		l.tells(ClearedByHand, false)
	})
	t.Run("C116: what a state file says of a lease that is over is dropped", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.wants(l.say(l.held(alice, -50, from(FromState), l.until(-1))))
		l.absent(keyP)
	})
	t.Run("R131: a loaded lease is confirmed by a live source of the same exchange", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -50, from(FromState)))
		l.wants(l.say(l.held(alice, -50)))
		if b := l.get(keyP); b.Source != FromBulk {
			t.Errorf("source is %v", b.Source)
		}
	})
}

func TestDenied(t *testing.T) {
	denied := func(s Server) func(*Observation) {
		return func(o *Observation) { o.Statement, o.Source, o.Server, o.Client = Denied, FromLookup, s, nil }
	}
	t.Run("R42: the record's own server denies it", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -50))
		l.now = 5
		l.wants(l.say(l.held(alice, 4, denied(1))), "withdraw 2001:db8:8000:120::/60")
	})
	t.Run("R42: refreshed after the question was sent", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.now = 5
		l.say(l.held(alice, -50))
		l.wants(l.say(l.held(alice, 4, denied(1))))
		l.holds(alice, FirstHeard)
	})
	t.Run("R42: another server's denial proves nothing", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -50, by(2)))
		l.now = 5
		l.wants(l.say(l.held(alice, 4, denied(1))))
		l.tells(DeniedByServer, false)
	})
	t.Run("R42: a bulk answer that was on its way does not bring it back", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.mark(RoundBegins, 1, 0, l.held(alice, -50, doubtful))
		l.now = 5
		l.say(l.held(alice, 4, denied(1)))
		l.wants(l.say(l.held(alice, -50)))
		l.absent(keyP)
		l.wants(l.say(l.held(bob, -50, by(2))), "install 2001:db8:8000:120::/60 1 fe80::1")
	})
	t.Run("R42: what the server says in a later round counts again, unless it is doubtful", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -50))
		l.now = 5
		l.say(l.held(alice, 4, denied(1)))
		l.now = 20
		l.mark(RoundBegins, 1, 0)
		l.wants(l.say(l.held(alice, -50, doubtful)))
		l.wants(l.say(l.held(alice, -50)), "install 2001:db8:8000:120::/60 1 fe80::1")
	})
}

func TestSuspect(t *testing.T) {
	hold := openPolicy
	hold.HoldDoubtful = true
	ask := func(l *lab, s Server, want ...Key) {
		l.Helper()
		if got := l.table.Suspects(s, 10, nil); !slices.Equal(got, want) {
			l.Errorf("suspects of server %d are %v, want %v", s, got, want)
		}
	}
	t.Run("PEERS 2, fact 2: a doubtful lease is installed and asked about once", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.wants(l.say(l.held(alice, -9000, doubtful)), "install 2001:db8:8000:120::/60 1 fe80::1")
		l.state(keyP, Suspect, FirstHeard)
		ask(l, 2)
		ask(l, 1, keyP)
		ask(l, 1)
		l.say(l.held(alice, -9000, doubtful))
		ask(l, 1, keyP)
		if b := l.get(keyP); b.Doubt != LifetimePassed {
			t.Errorf("doubt is %v", b.Doubt)
		}
	})
	t.Run("R60 a doubt that begins where another has ended is counted, so that it is asked about", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -9000, doubtful))
		l.say(l.held(alice, -9000, doubtful, from(FromLookup)))
		l.now = 60
		l.say(l.held(alice, -5, doubtful))
		if c := l.table.Counts(); c.Suspects != 1 || c.Doubts != 2 {
			t.Errorf("%d suspects, %d doubts; want 1, 2", c.Suspects, c.Doubts)
		}
	})
	t.Run("PEERS 2, fact 2: the answer ends the doubt, though by arithmetic it is as doubtful", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -9000, doubtful))
		l.wants(l.say(l.held(alice, -9000, doubtful, from(FromLookup))))
		l.state(keyP, Installed, FirstHeard)
		l.now = 60
		l.wants(l.say(l.held(alice, -9000, doubtful)))
		l.state(keyP, Installed, FirstHeard)
		ask(l, 1)
	})
	t.Run("a doubtful report of a known exchange that promises nothing new is no doubt", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -5, l.until(100)))
		l.now = 60
		l.say(l.held(alice, -5, l.until(100), doubtful))
		l.state(keyP, Installed, FirstHeard)
		l.say(l.held(alice, -5, l.until(160), doubtful))
		l.state(keyP, Suspect, FirstHeard)
		if b := l.get(keyP); !b.ValidUntil.Equal(l.at(100)) {
			t.Errorf("valid until %v, want 100 s", b.ValidUntil.Sub(l.base))
		}
	})
	t.Run("hold_doubtful: no route until the answer", func(t *testing.T) {
		l := newLab(t, hold)
		l.wants(l.say(l.held(alice, -9000, doubtful)))
		l.state(keyP, Refused, HeldBack)
		ask(l, 1, keyP)
		l.wants(l.say(l.held(alice, -9000, from(FromLookup))), "install 2001:db8:8000:120::/60 1 fe80::1")
	})
	t.Run("hold_doubtful: a route that exists stays", func(t *testing.T) {
		l := newLab(t, hold)
		l.say(l.held(alice, -9000))
		l.wants(l.say(l.held(alice, -5000, doubtful)))
		l.state(keyP, Suspect, LaterCLT)
	})
	t.Run("R60: absent from a complete round", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, 0, from(FromGlean)), l.held(alice, -9, of(keyQ)))
		l.now = 10
		l.mark(RoundBegins, 1, 0)
		l.say(l.held(alice, -9, of(keyQ)))
		l.wants(l.batch(&Batch{Mark: RoundComplete, Server: 1, At: l.at(10)}))
		l.state(keyP, Suspect, FirstHeard)
		l.state(keyQ, Installed, FirstHeard)
		ask(l, 1, keyP)
		l.tells(AbsentFromRun, false)
		l.now = 20
		l.mark(RoundBegins, 1, 0, l.held(alice, -100))
		if b := l.get(keyP); b.Doubt != NoReason {
			t.Errorf("still in doubt (%v) though mentioned", b.Doubt)
		}
	})
	t.Run("R60: mentioned counts though the statement lost", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, 0, from(FromGlean)))
		l.now = 10
		l.mark(RoundBegins, 1, 0, l.held(alice, -100))
		l.mark(RoundComplete, 1, 0, l.held(bob, -300))
		l.state(keyP, Installed, FirstHeard)
	})
	t.Run("R60: a round about one interface doubts only what is there", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, 0), l.held(alice, 0, of(keyQ), via(2, hop2)))
		l.now = 10
		l.mark(RoundBegins, 1, 2)
		l.mark(RoundComplete, 1, 2)
		l.state(keyP, Installed, FirstHeard)
		l.state(keyQ, Suspect, FirstHeard)
	})
	t.Run("R60: an incomplete round proves nothing", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, 0))
		l.mark(RoundBegins, 1, 0)
		l.mark(RoundIncomplete, 1, 0)
		l.state(keyP, Installed, FirstHeard)
	})
	t.Run("no answer ends the question, not the doubt", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -9000, doubtful))
		l.say(l.held("", 0, saying(NoAnswer), from(FromLookup)))
		l.state(keyP, Suspect, FirstHeard)
		ask(l, 1)
	})
	t.Run("R131: a loaded lease from the future is in doubt", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -1, from(FromState), doubtful))
		if b := l.get(keyP); b.Doubt != ClockBehind {
			t.Errorf("doubt is %v", b.Doubt)
		}
	})
	t.Run("at most so many at once, each once", func(t *testing.T) {
		l := newLab(t, crowdPolicy)
		for _, b := range crowd(1000, l.base) {
			for i := range b.Observations {
				b.Observations[i].Doubtful = true
			}
			l.batch(b)
		}
		asked := map[Key]bool{}
		for range 11 {
			for _, k := range l.table.Suspects(1, 100, nil) {
				asked[k] = true
			}
		}
		if len(asked) != 1000 {
			t.Errorf("%d were asked about, want 1000", len(asked))
		}
	})
}

func TestAdopt(t *testing.T) {
	p := openPolicy
	p.FailSafeMargin, p.AdoptHold = 10*time.Minute, 24*time.Hour
	p.Allowed = append(slices.Clone(p.Allowed), keyQ.Prefix)
	start := func(t *testing.T, expires float64) *lab {
		l := newLab(t, p)
		r := Route{Key: keyP, NextHop: hop1, Interface: 1}
		if expires != 0 {
			r.Expires = l.at(expires)
		}
		l.wants(l.did(l.table.Kernel(l.base, []Route{r}, nil)))
		l.wants(l.did(l.table.KernelDone(l.base, nil)))
		return l
	}
	t.Run("R91, C114: a route of ours is adopted, and claimed without a write", func(t *testing.T) {
		l := start(t, 4200)
		b := l.get(keyP)
		if b.State != Installed || b.Reason != Adopted || b.Client != nil || !b.CLT.IsZero() || !b.ValidUntil.Equal(l.at(3600)) {
			t.Errorf("binding is %+v", b)
		}
		l.wants(l.say(l.held(alice, -9000)))
		l.holds(alice, FirstHeard)
	})
	t.Run("R91: a claim with another next hop moves it, one with another end refreshes it", func(t *testing.T) {
		l := start(t, 4200)
		l.wants(l.say(l.held(alice, -9, via(1, hop2))), "move 2001:db8:8000:120::/60 1 fe80::2")
		l = start(t, 3850)
		l.wants(l.say(l.held(alice, -9)), "refresh 2001:db8:8000:120::/60 1 fe80::1")
		l.wants(l.say(l.held(alice, -9)))
	})
	t.Run("R91: a claim that does not say where the client is leaves it there", func(t *testing.T) {
		l := start(t, 4200)
		l.wants(l.say(l.held(alice, -9, nowhere)))
		l.state(keyP, Installed, FirstHeard)
		l.wants(l.say(l.held(alice, -9, via(2, hop2))), "move 2001:db8:8000:120::/60 2 fe80::2")
	})
	t.Run("R91: the same when the claim came before the dump", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -9, nowhere))
		l.wants(l.did(l.table.Kernel(l.base, []Route{{Key: keyP, NextHop: hop1, Interface: 1, Expires: l.at(4200)}}, nil)))
		l.state(keyP, Installed, FirstHeard)
	})
	t.Run("R37: a route of ours outside what is allowed is taken out", func(t *testing.T) {
		l := newLab(t, openPolicy)
		routes := []Route{{Key: prefixKey("2001:db8:1::/56"), Interface: 1}, {Key: prefixKey("2001:db8:8000::/40"), Interface: 1}}
		l.wants(l.did(l.table.Kernel(l.base, routes, nil)), "withdraw 2001:db8:1::/56", "withdraw 2001:db8:8000::/40")
	})
	t.Run("R91: unclaimed and denied, once every server answered", func(t *testing.T) {
		l := start(t, 4200)
		l.mark(RoundBegins, 1, 0)
		l.mark(RoundComplete, 1, 0)
		l.mark(RoundBegins, 2, 0)
		l.mark(RoundComplete, 2, 0)
		l.table.DoubtAdopted(l.base)
		l.state(keyP, Suspect, Adopted)
		for s := Server(1); s <= 2; s++ {
			if got := l.table.Suspects(s, 5, nil); !slices.Equal(got, []Key{keyP}) {
				t.Errorf("server %d is asked about %v", s, got)
			}
		}
		l.wants(l.say(l.held("", 1, saying(NoAnswer), by(1))))
		l.wants(l.say(l.held("", 1, saying(Denied), by(2))), "withdraw 2001:db8:8000:120::/60")
		l.tells(DeniedByServer, true)
	})
	t.Run("R91: that no server can tell proves nothing", func(t *testing.T) {
		l := start(t, 0)
		l.mark(RoundComplete, 1, 0)
		l.table.DoubtAdopted(l.base)
		l.wants(l.say(l.held("", 1, saying(NoAnswer))))
		l.state(keyP, Suspect, Adopted)
		l.now = 24 * 3600
		l.wants(l.expire(), "withdraw 2001:db8:8000:120::/60")
	})
	t.Run("R91: a lease that ended while nobody watched has the margin's rest to be claimed", func(t *testing.T) {
		l := start(t, 500)
		l.now = 499
		l.wants(l.expire())
		l.now = 500
		l.wants(l.expire(), "withdraw 2001:db8:8000:120::/60")
	})
	t.Run("an audit repairs what is missing or wrong, and takes out what is unknown", func(t *testing.T) {
		l := start(t, 4200)
		l.say(l.held(alice, -9), l.held(alice, -9, of(keyQ)))
		l.wants(l.did(l.table.Kernel(l.base, []Route{
			{Key: keyP, NextHop: hop2, Interface: 1, Expires: l.at(4200)},
			{Key: prefixKey("2001:db8:8000:140::/60"), NextHop: hop2, Interface: 1},
		}, nil)), "move 2001:db8:8000:120::/60 1 fe80::1", "withdraw 2001:db8:8000:140::/60")
		out := l.did(l.table.KernelDone(l.base, nil))
		l.wants(out, "install 2001:db8:8000:130::/60 1 fe80::1")
		if out[0].Reason != Repaired || l.table.Counts().Repaired != 2 {
			t.Errorf("reason is %v, %d repaired", out[0].Reason, l.table.Counts().Repaired)
		}
	})
	t.Run("an audit leaves alone what is on its way", func(t *testing.T) {
		l := start(t, 4200)
		out := l.table.Apply(l.base, &Batch{Observations: []Observation{l.held(alice, -9, of(keyQ))}}, nil)
		l.wants(l.table.Kernel(l.base, []Route{{Key: keyP, NextHop: hop1, Interface: 1, Expires: l.at(4200)}}, nil))
		l.wants(l.table.KernelDone(l.base, nil))
		l.did(out)
		l.state(keyQ, Installed, FirstHeard)
	})
	t.Run("R89: a dump that is older than the Release adopts nothing", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, 0, from(FromGlean), saying(Released)))
		l.wants(l.did(l.table.Kernel(l.base, []Route{{Key: keyP, NextHop: hop1, Interface: 1}}, nil)), "withdraw 2001:db8:8000:120::/60")
	})
}
