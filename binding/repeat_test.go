package binding

import (
	"fmt"
	"testing"
	"time"
)

// TestRepeats (DESIGN.md rule 8) tells listeners again what the kernel holds.
func TestRepeats(t *testing.T) {
	all := func(l *lab) (out []Change) {
		for from := Ref(0); ; {
			if out, from = l.table.Repeats(from, 2, out); from == 0 {
				return out
			}
		}
	}
	t.Run("each route once, by where it leads, page by page", func(t *testing.T) {
		l := newLab(t, openPolicy)
		var want []string
		for i := range 5 {
			p := fmt.Sprintf("2001:db8:8000:1%x0::/60", i)
			want = append(want, "move "+p+" 1 fe80::1")
			l.say(l.held(fmt.Sprintf("%s%d", alice, i), -5, of(prefixKey(p))))
		}
		l.wants(all(l), want...)
		before := l.table.Counts()
		l.wants(all(l), want...)
		if l.table.Counts() != before {
			t.Errorf("repeats changed the counts: %+v, before %+v", l.table.Counts(), before)
		}
	})
	t.Run("not what has no route, nor what a change is under way for", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -5, nowhere))
		l.table.Apply(l.at(0), &Batch{Observations: []Observation{l.held(bob, -5, of(keyQ))}}, nil)
		l.wants(all(l))
	})
	t.Run("what went with its interface is gone, until it is back", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -5), l.held(bob, -5, of(keyQ), via(2, hop2)))
		l.table.InterfaceDown(l.at(0), 1)
		l.wants(all(l), "withdraw 2001:db8:8000:120::/60", "move 2001:db8:8000:130::/60 2 fe80::2")
		l.did(l.table.InterfaceUp(l.at(0), 1, nil))
		l.wants(all(l), "move 2001:db8:8000:120::/60 1 fe80::1", "move 2001:db8:8000:130::/60 2 fe80::2")
	})
	t.Run("rule 9: with the expiry that the kernel has, although the lease was renewed a little", func(t *testing.T) {
		p := openPolicy
		p.FailSafeMargin = 10 * time.Minute
		l := newLab(t, p)
		l.say(l.held(alice, -5))
		l.now = 60
		l.wants(l.say(l.held(alice, 55))) // within half the margin: not written
		if got := all(l); len(got) != 1 || got[0].ValidUntil.Sub(l.at(3600)).Abs() > time.Second {
			t.Errorf("repeats %v, want an expiry made from %v", got, l.at(3600))
		}
	})
}
