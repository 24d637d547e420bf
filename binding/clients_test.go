package binding

import (
	"fmt"
	"testing"
)

// TestClients is RFC 8987, section 4.1, at the table: what one client may have,
// and where.
func TestClients(t *testing.T) {
	key := func(i int) Key { return prefixKey(fmt.Sprintf("2001:db8:8000:%x00::/56", i)) }
	p := openPolicy
	p.MaxPerClient = 8
	t.Run("C123, G-5, G-7: eight prefixes of a client have routes, the ninth is known and has none", func(t *testing.T) {
		l := newLab(t, p)
		for i := range 9 {
			l.say(l.held(alice, -5, of(key(i))))
		}
		for i := range 8 {
			l.state(key(i), Installed, FirstHeard)
		}
		l.state(key(8), Refused, ClientLimit)
		if c := l.table.Counts(); c.Bindings != 9 || c.Refused[ClientLimit] != 1 {
			t.Errorf("counts are %+v", c)
		}
		l.wants(l.say(l.held(bob, -5, of(key(9)))), "install 2001:db8:8000:900::/56 1 fe80::1")
	})
	t.Run("C123, G-5: no limit, if that is the policy", func(t *testing.T) {
		l := newLab(t, openPolicy)
		for i := range 100 {
			l.say(l.held(alice, -5, of(key(i))))
		}
		if c := l.table.Counts(); c.States[Installed] != 100 {
			t.Errorf("counts are %+v", c)
		}
	})
	t.Run("C124, G-6: the limit of a port counts all of its clients, and no other port's", func(t *testing.T) {
		q := openPolicy
		q.MaxPerPort = 3
		l := newLab(t, q)
		for i := range 5 {
			l.say(l.held(fmt.Sprint(alice, i%2), -5, of(key(i))))
			l.say(l.held(fmt.Sprint(bob, i), -5, of(key(16+i)), via(2, hop2)))
		}
		for i := range 5 {
			want, why := Installed, FirstHeard
			if i > 2 {
				want, why = Refused, PortLimit
			}
			l.state(key(i), want, why)
			l.state(key(16+i), want, why)
		}
	})
	t.Run("C125, G-4: one DUID on two interfaces has two delegations, each with a limit of its own", func(t *testing.T) {
		q := openPolicy
		q.MaxPerClient = 1
		l := newLab(t, q)
		l.wants(l.say(l.held(alice, -5, of(key(1))), l.held(alice, -5, of(key(2)), via(2, hop2))),
			"install 2001:db8:8000:100::/56 1 fe80::1", "install 2001:db8:8000:200::/56 2 fe80::2")
		l.say(l.held(alice, -5, of(key(3))))
		l.state(key(3), Refused, ClientLimit)
		l.wants(l.say(l.held(alice, 0, of(key(2)), saying(Withdrawn))), "withdraw 2001:db8:8000:200::/56")
		l.state(key(1), Installed, FirstHeard)
	})
	t.Run("C75, R59: a client's second lease in a message of its own leaves the first alone", func(t *testing.T) {
		l := newLab(t, p)
		l.mark(RoundBegins, 1, 0)
		l.wants(l.say(l.held(alice, -5, of(key(1)))), "install 2001:db8:8000:100::/56 1 fe80::1")
		l.wants(l.say(l.held(alice, -5, of(key(2)))), "install 2001:db8:8000:200::/56 1 fe80::1")
		l.mark(RoundComplete, 1, 0)
		l.state(key(1), Installed, FirstHeard)
		l.state(key(2), Installed, FirstHeard)
	})
	t.Run("C127, G-2, G-3: prefixes of one IA_PD end one by one", func(t *testing.T) {
		l := newLab(t, p)
		same := func(o *Observation) { o.HasIAID, o.IAID = true, 7 }
		l.say(l.held(alice, -5, of(key(1)), same, l.until(100)), l.held(alice, -5, of(key(2)), same, l.until(200)))
		l.now = 100
		l.wants(l.expire(), "withdraw 2001:db8:8000:100::/56")
		l.state(key(2), Installed, FirstHeard)
		l.now = 200
		l.wants(l.expire(), "withdraw 2001:db8:8000:200::/56")
	})
}
