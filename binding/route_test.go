package binding

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestPlace(t *testing.T) {
	address := addressKey("2001:db8:8000:f::a")
	lower := addressKey("2001:db8:8000:f::1")
	t.Run("R90, C112: the route goes where the statement says", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.wants(l.say(l.held(alice, -5)), "install 2001:db8:8000:120::/60 1 fe80::1")
		l.wants(l.say(l.held(alice, -1, via(2, netip.Addr{}))), "move 2001:db8:8000:120::/60 2")
	})
	t.Run("R90, C113: without relay data there is no route, and it is counted", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.wants(l.say(l.held(alice, -5, nowhere)))
		l.state(keyP, Unresolved, NoNextHop)
		if c := l.table.Counts(); c.States[Unresolved] != 1 || c.Refused[NoNextHop] != 1 {
			t.Errorf("counts are %+v", c)
		}
	})
	t.Run("R90: a later exchange of the client without relay data keeps the place", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -50))
		l.wants(l.say(l.held(alice, -5, nowhere)))
		l.state(keyP, Installed, LaterCLT)
	})
	t.Run("DESIGN 4: the client's address is the next hop, whichever comes first", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -5, nowhere))
		l.wants(l.say(l.held(alice, -5, of(address))), "install 2001:db8:8000:120::/60 1 2001:db8:8000:f::a")
		l.state(address, Kept, KeptOnly)
		l.wants(l.say(l.held(alice, -5, of(keyQ), nowhere)), "install 2001:db8:8000:130::/60 1 2001:db8:8000:f::a")
		l.wants(l.say(l.held(bob, -5, of(prefixKey("2001:db8:8000:140::/60")), nowhere)))
	})
	t.Run("DESIGN 4: it follows the lowest address, and goes with the last one", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -5, nowhere), l.held(alice, -5, of(address)))
		l.wants(l.say(l.held(alice, -5, of(lower), via(2, hop1))), "move 2001:db8:8000:120::/60 2 2001:db8:8000:f::1")
		l.wants(l.say(l.held(alice, 0, of(lower), via(2, hop1), from(FromGlean), saying(Released))), "move 2001:db8:8000:120::/60 1 2001:db8:8000:f::a")
		l.wants(l.say(l.held(bob, 0, of(address))), "withdraw 2001:db8:8000:120::/60")
		l.wants(l.say(l.held(alice, 0, via(3, hop2))), "install 2001:db8:8000:120::/60 3 fe80::2")
	})
	t.Run("DESIGN 4: an IPv4 address is no next hop for IPv6", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.wants(l.say(l.held(alice, -5, nowhere), l.held(alice, -5, of(addressKey("192.0.2.1")))))
	})
	t.Run("addresses are installed where the policy says so, IPv4 too", func(t *testing.T) {
		p := openPolicy
		p.InstallAddresses = true
		p.Allowed = append(p.Allowed[:1:1], netip.MustParsePrefix("192.0.2.0/24"))
		l := newLab(t, p)
		v4 := addressKey("192.0.2.1")
		l.wants(l.say(l.held(alice, -5, of(address)), l.held(alice, -5, of(v4), via(1, v4.Prefix.Addr()))),
			"install 2001:db8:8000:f::a/128 1 fe80::1", "install 192.0.2.1/32 1 192.0.2.1")
		l.wants(l.did(l.table.KernelDone(l.base, nil)),
			"install 2001:db8:8000:f::a/128 1 fe80::1", "install 192.0.2.1/32 1 192.0.2.1")
	})
}

func TestAllowed(t *testing.T) {
	t.Run("R37, C106: outside the aggregates or of another length is refused, visibly", func(t *testing.T) {
		l := newLab(t, openPolicy)
		outside, long := prefixKey("2001:db8:1::/56"), prefixKey("2001:db8:8000::/72")
		l.wants(l.say(l.held(alice, -5, of(outside)), l.held(alice, -5, of(long))))
		l.state(outside, Refused, OutsideAllowed)
		l.state(long, Refused, LengthNotAllowed)
	})
	t.Run("R37, C106: length 0, and nonsense, is malformed", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.wants(l.say(
			l.held(alice, -5, of(Key{Prefix: netip.MustParsePrefix("::/0")})),
			l.held(alice, -5, of(Key{})),
			l.held(alice, -5, of(Key{Prefix: netip.PrefixFrom(netip.MustParseAddr("2001:db8::"), 129)})),
			l.held(alice, -5, of(Key{Kind: Address, Prefix: keyP.Prefix})),
			l.held("", -5),
			l.held(string(make([]byte, 131)), -5),
			l.held(alice, -5, from(FromKernel)),
			l.held(alice, -5, saying(9)),
			l.held(alice, -5, by(64)),
		))
		if c := l.table.Counts(); c.Malformed != 9 || c.Bindings != 0 {
			t.Errorf("counts are %+v", c)
		}
	})
	t.Run("R37, C107: host bits are cleared", func(t *testing.T) {
		l := newLab(t, openPolicy)
		host := Key{Prefix: netip.MustParsePrefix("2001:db8:8000:12f::1/60")}
		l.wants(l.say(l.held(alice, -5, of(host))), "install 2001:db8:8000:120::/60 1 fe80::1")
	})
	t.Run("C108: the route has the length of the delegation", func(t *testing.T) {
		l := newLab(t, openPolicy)
		for _, n := range []int{48, 56, 60, 62, 64} {
			k := Key{Prefix: netip.PrefixFrom(netip.MustParseAddr("2001:db8:8000::"), n)}
			l.wants(l.say(l.held(alice, -5, of(k))), fmt.Sprintf("install 2001:db8:8000::/%d 1 fe80::1", n))
		}
	})
	t.Run("R37, C105: preferred is capped to valid", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -5, func(o *Observation) { o.PreferredUntil = l.at(9999) }))
		if b := l.get(keyP); !b.PreferredUntil.Equal(l.at(3600)) {
			t.Errorf("preferred until %v", b.PreferredUntil)
		}
	})
	t.Run("max_valid caps what a server promises, even for ever", func(t *testing.T) {
		p := openPolicy
		p.MaxValid = time.Minute
		l := newLab(t, p)
		l.say(l.held(alice, -5, func(o *Observation) { o.ValidUntil = Forever }))
		if b := l.get(keyP); !b.ValidUntil.Equal(l.at(60)) {
			t.Errorf("valid until %v", b.ValidUntil)
		}
	})
	t.Run("the table's bound", func(t *testing.T) {
		p := openPolicy
		p.MaxBindings = 1
		l := newLab(t, p)
		l.say(l.held(alice, -5), l.held(alice, -5, of(keyQ)))
		l.absent(keyQ)
		if c := l.table.Counts(); c.TableFull != 1 {
			t.Errorf("counts are %+v", c)
		}
	})
}

func TestLimits(t *testing.T) {
	key := func(i int) Key { return prefixKey(fmt.Sprintf("2001:db8:8000:%x0::/60", i)) }
	p := openPolicy
	p.MaxPerClient, p.MaxPerPort = 2, 3
	t.Run("G-5, G-7: a client's third prefix on an interface waits for a slot", func(t *testing.T) {
		l := newLab(t, p)
		l.say(l.held(alice, -5, of(key(1))), l.held(alice, -5, of(key(2))), l.held(alice, -5, of(key(3))))
		l.state(key(3), Refused, ClientLimit)
		l.wants(l.say(l.held(alice, -5, of(key(4)), via(2, hop1))), "install 2001:db8:8000:40::/60 2 fe80::1") // G-4
		l.wants(l.say(l.held(alice, 0, of(key(1)), from(FromGlean), saying(Released))),
			"withdraw 2001:db8:8000:10::/60", "install 2001:db8:8000:30::/60 1 fe80::1")
	})
	t.Run("G-6: an interface's fourth prefix waits, first come first", func(t *testing.T) {
		l := newLab(t, p)
		for i := range 6 {
			l.say(l.held(fmt.Sprintf("client%d", i), -5, of(key(i))))
		}
		l.state(key(3), Refused, PortLimit)
		l.wants(l.say(l.held("client0", -1, of(key(0)), via(2, hop2))),
			"move 2001:db8:8000::/60 2 fe80::2", "install 2001:db8:8000:30::/60 1 fe80::1")
		l.now = 4000
		l.say(l.held("client4", 3990, of(key(4))))
		l.expire()
		l.state(key(4), Installed, LaterCLT)
	})
	t.Run("an address takes no slot", func(t *testing.T) {
		l := newLab(t, p)
		for i := range 5 {
			l.say(l.held(alice, -5, of(addressKey(fmt.Sprintf("2001:db8:8000:f::%d", i+1)))))
		}
		l.wants(l.say(l.held(alice, -5)), "install 2001:db8:8000:120::/60 1 fe80::1")
	})
}

func TestKernelSays(t *testing.T) {
	apply := func(l *lab, o Observation) []Change {
		return l.table.Apply(l.at(l.now), &Batch{Observations: []Observation{o}}, nil)
	}
	t.Run("pending until the kernel has answered", func(t *testing.T) {
		l := newLab(t, openPolicy)
		out := apply(l, l.held(alice, -5))
		l.state(keyP, Pending, FirstHeard)
		l.did(out)
		l.state(keyP, Installed, FirstHeard)
	})
	t.Run("DESIGN 3, rule 1: a refused prefix is not touched again before the obstacle goes", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.failed(apply(l, l.held(alice, -5)), ForeignRoute)
		l.state(keyP, Refused, ForeignRoute)
		if b := l.get(keyP); b.Detail != "words" {
			t.Errorf("detail is %q", b.Detail)
		}
		l.wants(l.say(l.held(alice, -1, via(2, hop2))))
		l.wants(l.table.Retry(l.base, netip.MustParsePrefix("2001:db8:9000::/64"), nil))
		l.wants(l.did(l.table.Retry(l.base, netip.MustParsePrefix("2001:db8:8000:121::/64"), nil)), "install 2001:db8:8000:120::/60 2 fe80::2")
		l.state(keyP, Installed, LaterCLT)
	})
	t.Run("DESIGN 3, rule 1: what is not known to be ours is never moved", func(t *testing.T) {
		l := newLab(t, openPolicy)
		out := apply(l, l.held(alice, -5))
		l.wants(apply(l, l.held(alice, -1, via(2, hop2))))
		l.failed(out, ForeignRoute)
		l.wants(l.expire())
		l.state(keyP, Refused, ForeignRoute)
	})
	t.Run("what came up meanwhile is one more change", func(t *testing.T) {
		l := newLab(t, openPolicy)
		out := apply(l, l.held(alice, -5))
		apply(l, l.held(alice, -3, via(2, hop2)))
		apply(l, l.held(alice, -1, via(3, hop2)))
		l.did(out)
		l.wants(l.did(l.table.Continue(l.base, nil)), "move 2001:db8:8000:120::/60 3 fe80::2")
	})
	t.Run("an answer about a record that is gone touches nothing", func(t *testing.T) {
		l := newLab(t, openPolicy)
		out := apply(l, l.held(alice, -5))
		gone := apply(l, l.held(alice, -1, saying(Withdrawn)))
		l.wants(gone, "withdraw 2001:db8:8000:120::/60")
		next := apply(l, l.held(bob, -1, of(keyQ)))
		l.did(out)
		l.did(gone)
		l.state(keyQ, Pending, FirstHeard)
		l.did(next)
		l.state(keyQ, Installed, FirstHeard)
	})
	t.Run("a renewal tries again what the kernel refused", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.failed(apply(l, l.held(alice, -5)), KernelRefused)
		l.wants(l.say(l.held(alice, -5)))
		l.wants(l.say(l.held(alice, -1)), "install 2001:db8:8000:120::/60 1 fe80::1")
	})
	t.Run("a missing interface: the binding waits for it", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.failed(apply(l, l.held(alice, -5)), InterfaceMissing)
		l.state(keyP, Refused, InterfaceMissing)
		l.table.InterfaceDown(l.base, 1)
		l.state(keyP, Refused, InterfaceDown)
		l.table.InterfaceMissing(l.base, 1)
		l.state(keyP, Refused, InterfaceMissing)
		l.wants(l.did(l.table.InterfaceUp(l.base, 1, nil)), "install 2001:db8:8000:120::/60 1 fe80::1")
	})
	t.Run("S-2, C111: link down keeps the record, link up brings the route back", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -5))
		l.table.InterfaceDown(l.base, 1)
		l.state(keyP, Refused, InterfaceDown)
		l.wants(l.say(l.held(bob, -5, of(keyQ)), l.held(alice, -1)))
		out := l.did(l.table.InterfaceUp(l.base, 1, nil))
		l.wants(out, "install 2001:db8:8000:120::/60 1 fe80::1", "install 2001:db8:8000:130::/60 1 fe80::1")
		if out[0].Reason != Repaired || out[1].Reason != FirstHeard {
			t.Errorf("reasons are %v, %v", out[0].Reason, out[1].Reason)
		}
	})
	t.Run("DESIGN 3, rule 8: a route that somebody took is installed again", func(t *testing.T) {
		l := newLab(t, openPolicy)
		l.say(l.held(alice, -5))
		l.wants(l.did(l.table.RouteGone(l.base, keyP, nil)), "install 2001:db8:8000:120::/60 1 fe80::1")
		l.wants(l.table.RouteGone(l.base, keyQ, nil))
		l.tells(Repaired, false)
	})
	t.Run("DESIGN 3, rule 8: also when it went while a change was under way", func(t *testing.T) {
		l := newLab(t, openPolicy)
		out := apply(l, l.held(alice, -5))
		l.wants(l.table.RouteGone(l.base, keyP, nil))
		l.did(out)
		l.wants(l.expire(), "install 2001:db8:8000:120::/60 1 fe80::1")
	})
	t.Run("DESIGN 3, rule 9: the kernel's expiry is rewritten when it is off by more than half the margin", func(t *testing.T) {
		p := openPolicy
		p.FailSafeMargin = 10 * time.Minute
		l := newLab(t, p)
		l.say(l.held(alice, -5))
		l.now = 300
		l.wants(l.say(l.held(alice, 300)))
		l.now = 302
		l.wants(l.say(l.held(alice, 302)), "refresh 2001:db8:8000:120::/60 1 fe80::1")
		l.now = 304
		l.wants(l.say(l.held(alice, 304)))
		l.wants(l.say(l.held(alice, 304, l.until(600))), "refresh 2001:db8:8000:120::/60 1 fe80::1")
		l.state(keyP, Installed, LaterCLT)
	})
}

func TestLookup(t *testing.T) {
	l := newLab(t, openPolicy)
	l.say(l.held(alice, -5), l.held(bob, -5, of(prefixKey("2001:db8:8000::/48"))), l.held(bob, -5, of(addressKey("2001:db8:8000:12f::1"))),
		l.held(bob, -5, of(addressKey("192.0.2.1"))))
	for addr, want := range map[string]string{
		"2001:db8:8000:12f::1": "2001:db8:8000:12f::1/128",
		"2001:db8:8000:12f::2": "2001:db8:8000:120::/60",
		"2001:db8:8000:13f::2": "2001:db8:8000::/48",
		"192.0.2.1":            "192.0.2.1/32",
	} {
		if b, ok := l.table.Lookup(netip.MustParseAddr(addr)); !ok || b.Key.Prefix.String() != want {
			t.Errorf("lookup of %s: %v, %v, want %s", addr, b.Key.Prefix, ok, want)
		}
	}
	for _, addr := range []string{"2001:db8:8001::1", "192.0.2.2", "::"} {
		if b, ok := l.table.Lookup(netip.MustParseAddr(addr)); ok {
			t.Errorf("lookup of %s: %v", addr, b.Key.Prefix)
		}
	}
}
