package routes

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"leaseroute/binding"
)

const (
	home56 = "2001:db8:8000:100::/56"
	home60 = "2001:db8:8000:1230::/60"
	cpe    = "fe80::2"
)

func TestApply(t *testing.T) {
	tests := []struct {
		name   string
		before string // run by iproute2, one command a line, before the Kernel is opened
		do     func(k *Kernel) []binding.Change
		want   string // of our protocol; empty: none
		fails  []binding.Reason
	}{
		{
			name: "C108 a route has the delegated length", want: home60 + " via fe80::2 dev acc0 metric 1024 pref medium",
			do: func(k *Kernel) []binding.Change {
				return []binding.Change{change(k, binding.Install, home60, cpe, "acc0")}
			},
		},
		{
			name: "changes of one prefix take effect in their order", want: home56 + " via fe80::3 dev acc1 metric 1024 pref medium",
			do: func(k *Kernel) []binding.Change {
				return []binding.Change{
					change(k, binding.Install, home56, cpe, "acc0"),
					change(k, binding.Install, home60, cpe, "acc0"),
					change(k, binding.Move, home56, "fe80::3", "acc1"),
					change(k, binding.Withdraw, home60, "", "acc0"),
				}
			},
		},
		{
			name:   "an install that finds our own route elsewhere moves it",
			before: "-6 route add " + home56 + " via fe80::9 dev acc1 proto 158 metric 1024",
			want:   home56 + " via fe80::2 dev acc0 metric 1024 pref medium",
			do:     installOne,
		},
		{
			name:   "an install that finds the very route is content",
			before: "-6 route add " + home56 + " via fe80::2 dev acc0 proto 158 metric 1024",
			want:   home56 + " via fe80::2 dev acc0 metric 1024 pref medium",
			do:     installOne,
		},
		{
			name:   "an install over a blackhole with our number takes its place",
			before: "-6 route add blackhole " + home56 + " proto 158 metric 1024",
			want:   home56 + " via fe80::2 dev acc0 metric 1024 pref medium",
			do:     installOne,
		},
		{
			name: "an install finds its route although a longer foreign one hides it",
			before: "-6 route add " + home56 + " via fe80::9 dev acc1 proto 158 metric 1024\n" +
				"-6 route add 2001:db8:8000:1ff::/64 via fe80::9 dev acc1 proto static",
			want: home56 + " via fe80::2 dev acc0 metric 1024 pref medium",
			do:   installOne,
		},
		{
			name:   "C114 a foreign route of the prefix at our metric stays",
			before: "-6 route add " + home56 + " via fe80::9 dev acc1 proto static metric 1024",
			do:     installOne, fails: []binding.Reason{binding.ForeignRoute},
		},
		{
			name:   "C114 a foreign route of the prefix at another metric stays alone",
			before: "-6 route add " + home56 + " via fe80::9 dev acc1 proto static metric 77",
			do:     installOne, fails: []binding.Reason{binding.ForeignRoute},
		},
		{
			name:   "C114 a withdrawal leaves a foreign route alone",
			before: "-6 route add " + home56 + " via fe80::2 dev acc0 proto static metric 1024",
			do: func(k *Kernel) []binding.Change {
				return []binding.Change{change(k, binding.Withdraw, home56, cpe, "acc0")}
			},
		},
		{
			name:   "C114 a move does not take a foreign route over",
			before: "-6 route add " + home56 + " via fe80::9 dev acc1 proto static metric 1024",
			do: func(k *Kernel) []binding.Change {
				return []binding.Change{change(k, binding.Move, home56, cpe, "acc0")}
			},
			fails: []binding.Reason{binding.ForeignRoute},
		},
		{
			name:   "a foreign route that only covers is no obstacle",
			before: "-6 route add 2001:db8:8000::/40 via fe80::9 dev core0 proto static",
			want:   home56 + " via fe80::2 dev acc0 metric 1024 pref medium",
			do:     installOne,
		},
		{
			name:   "a prefix that holds a connected one is refused",
			before: "-6 addr add 2001:db8:8000:1aa::1/64 dev core0",
			do:     installOne, fails: []binding.Reason{binding.ConnectedOverlap},
		},
		{
			name:   "a prefix that holds an address without a route is refused",
			before: "-6 addr add 2001:db8:8000:1aa::1/64 dev core0 noprefixroute",
			do:     installOne, fails: []binding.Reason{binding.ConnectedOverlap},
		},
		{
			name:   "a prefix inside a connected one is refused",
			before: "-6 addr add 2001:db8:8000::1/40 dev core0",
			do:     installOne, fails: []binding.Reason{binding.ConnectedOverlap},
		},
		{
			name:   "a gateway with a global address on a connected prefix serves",
			before: "-6 addr add 2001:db8:1::1/64 dev acc0",
			want:   home56 + " via 2001:db8:1::7 dev acc0 metric 1024 pref medium",
			do: func(k *Kernel) []binding.Change {
				return []binding.Change{change(k, binding.Install, home56, "2001:db8:1::7", "acc0")}
			},
		},
		{
			name: "a gateway that is not on the link is the kernel's to refuse",
			do: func(k *Kernel) []binding.Change {
				return []binding.Change{change(k, binding.Install, home56, "2001:db8:1::7", "acc0")}
			},
			fails: []binding.Reason{binding.KernelRefused},
		},
		{
			name:   "a link that is down",
			before: "link set acc0 down",
			do:     installOne, fails: []binding.Reason{binding.InterfaceDown},
		},
		{
			name:   "a link that is down, and the gateway's prefix with it",
			before: "-6 addr add 2001:db8:1::1/64 dev acc0\nlink set acc0 down",
			do: func(k *Kernel) []binding.Change {
				return []binding.Change{change(k, binding.Install, home56, "2001:db8:1::7", "acc0")}
			},
			fails: []binding.Reason{binding.InterfaceDown},
		},
		{
			name:   "a link that is not there",
			before: "link del acc0",
			do:     installOne, fails: []binding.Reason{binding.InterfaceMissing},
		},
		{
			name: "R37 length 0, and what no block allows, is never installed",
			do: func(k *Kernel) []binding.Change {
				return []binding.Change{
					change(k, binding.Install, "::/0", cpe, "acc0"),
					change(k, binding.Install, "2001:db8:7000::/48", cpe, "acc0"),
					change(k, binding.Move, "2001:db8::/32", cpe, "acc0"),
					{Op: binding.Install, Interface: k.links.Number("acc0"), NextHop: netip.MustParseAddr(cpe)},
				}
			},
			fails: []binding.Reason{binding.KernelRefused, binding.KernelRefused, binding.KernelRefused, binding.KernelRefused},
		},
		{
			name: "no next hop on a link with many hosts",
			do: func(k *Kernel) []binding.Change {
				return []binding.Change{change(k, binding.Install, home56, "", "acc0")}
			},
			fails: []binding.Reason{binding.KernelRefused},
		},
		{
			name: "a withdrawal of what is gone succeeds",
			do: func(k *Kernel) []binding.Change {
				return []binding.Change{change(k, binding.Withdraw, home56, cpe, "acc0")}
			},
		},
		{
			name: "a point-to-point link needs no gateway", before: "tuntap add acc9 mode tun\nlink set acc9 up",
			want: home56 + " dev acc9 metric 1024 linkdown pref medium",
			do: func(k *Kernel) []binding.Change {
				return []binding.Change{change(k, binding.Install, home56, "", "acc9")}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t)
			for command := range strings.Lines(tt.before) {
				l.ip(command)
			}
			foreign := l.ip("-6 route show proto static")
			k := l.open(options())
			failures := l.apply(k, tt.do(k)...)
			var got []binding.Reason
			for _, f := range failures {
				got = append(got, f.Reason)
			}
			if len(got) != len(tt.fails) || len(got) > 0 && got[0] != tt.fails[0] {
				t.Errorf("failures %+v, want reasons %v", failures, tt.fails)
			}
			if ours := l.ours(); ours != tt.want {
				t.Errorf("routes\n%s\nwant\n%s", ours, tt.want)
			}
			if now := l.ip("-6 route show proto static"); now != foreign {
				t.Errorf("foreign routes\n%s\nwere\n%s", now, foreign)
			}
		})
	}
}

func installOne(k *Kernel) []binding.Change {
	return []binding.Change{change(k, binding.Install, home56, cpe, "acc0")}
}

func TestApplyOfNothing(t *testing.T) {
	t.Run("rule 7: nothing to do writes nothing", func(t *testing.T) {
		l := newLab(t)
		k := l.open(options())
		before := k.Stats()
		l.apply(k)
		must(t, k.EnsureAggregates(context.Background()))
		if now := k.Stats(); now.Messages != before.Messages || now.Batches != before.Batches || now.Messages != 0 {
			t.Errorf("wrote %d messages in %d batches", now.Messages, now.Batches)
		}
	})
}

func TestApplyUnknownForeign(t *testing.T) {
	l := newLab(t)
	k := l.open(options())
	l.ip("-6 route add " + home56 + " via fe80::9 dev acc1 proto static metric 1024") // nobody watches
	t.Run("rule 1: a foreign route that was not known stays", func(t *testing.T) {
		failures := l.apply(k, change(k, binding.Install, home56, cpe, "acc0"), change(k, binding.Install, home60, cpe, "acc0"))
		if len(failures) != 1 || failures[0].Index != 0 || failures[0].Reason != binding.ForeignRoute {
			t.Errorf("failures %+v", failures)
		}
		if want := home60 + " via fe80::2 dev acc0 metric 1024 pref medium"; l.ours() != want {
			t.Errorf("routes %s, want %s", l.ours(), want)
		}
	})
	t.Run("rule 1: and is not taken over by a move", func(t *testing.T) {
		failures := l.apply(k, change(k, binding.Move, home56, cpe, "acc0"))
		if len(failures) != 1 || failures[0].Reason != binding.ForeignRoute {
			t.Errorf("failures %+v", failures)
		}
	})
	for _, expiring := range []bool{false, true} {
		t.Run(fmt.Sprintf("rule 1: nor by a refresh, nor joined: expiring %t", expiring), func(t *testing.T) {
			foreign := l.ip("-6 route show proto static")
			o := options()
			o.FailSafe = expiring
			k := l.openBlind(o)
			c := change(k, binding.Refresh, home56, cpe, "acc0")
			c.ValidUntil = time.Now().Add(time.Hour)
			failures := l.apply(k, c)
			if len(failures) != 1 || failures[0].Reason != binding.ForeignRoute {
				t.Errorf("failures %+v", failures)
			}
			if now := l.ip("-6 route show proto static"); now != foreign {
				t.Errorf("foreign routes\n%s\nwere\n%s", now, foreign)
			}
		})
	}
}

// expires returns when the kernel will forget the only route of ours.
func (l *lab) expires(k *Kernel) time.Duration {
	l.t.Helper()
	all := l.dump(k)
	if len(all) != 1 {
		l.t.Fatalf("routes %+v, want one", all)
	}
	if all[0].Expires.IsZero() {
		return 0
	}
	return time.Until(all[0].Expires).Round(time.Minute)
}

func TestExpiry(t *testing.T) {
	t.Run("rule 9: routes that an earlier run left without an expiry get one", func(t *testing.T) {
		l := newLab(t)
		l.ip("-6 route add " + home56 + " via fe80::2 dev acc0 proto 158 metric 1024")
		o := options()
		o.FailSafe = true
		k := l.open(o)
		c := change(k, binding.Refresh, home56, cpe, "acc0")
		c.ValidUntil = time.Now().Add(time.Hour)
		l.apply(k, c)
		if got := l.expires(k); got != time.Hour {
			t.Errorf("expires in %s", got)
		}
	})
	l := newLab(t)
	o := options()
	o.FailSafe, o.FailSafeMargin = true, 10*time.Minute
	k := l.open(o)
	do := func(op binding.Op, valid time.Duration) {
		t.Helper()
		c := change(k, op, home56, cpe, "acc0")
		if valid > 0 {
			c.ValidUntil = time.Now().Add(valid)
		}
		if failures := l.apply(k, c); failures != nil {
			t.Errorf("failures %+v", failures)
		}
	}
	steps := []struct {
		name            string
		op              binding.Op
		valid, expires  time.Duration
		replaced, quiet uint64
	}{
		{"rule 9: a route expires a margin after its lease", binding.Install, time.Hour, 70 * time.Minute, 0, 0},
		{"rule 9: a refresh is silent", binding.Refresh, 2 * time.Hour, 130 * time.Minute, 0, 1},
		{"rule 9: to a shorter life as well", binding.Refresh, time.Hour, 70 * time.Minute, 0, 2},
		{"rule 9: to no end", binding.Refresh, 0, 0, 0, 3},
		{"rule 9: from no end to no end is silent", binding.Refresh, 0, 0, 0, 4},
		{"rule 9: what has no end must be replaced to get one", binding.Refresh, time.Hour, 70 * time.Minute, 1, 4},
		{"rule 9: an install that finds the route sets its expiry", binding.Install, 3 * time.Hour, 190 * time.Minute, 1, 5},
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			do(s.op, s.valid)
			if got := l.expires(k); got != s.expires {
				t.Errorf("expires in %s, want %s", got, s.expires)
			}
			if st := k.Stats(); st.Replaced != s.replaced || st.Refreshed != s.quiet {
				t.Errorf("%d replaced, %d refreshed; want %d, %d", st.Replaced, st.Refreshed, s.replaced, s.quiet)
			}
		})
	}
	t.Run("rule 8: a refresh of what is gone installs it", func(t *testing.T) {
		l.ip("-6 route flush proto 158")
		do(binding.Refresh, time.Hour)
		if got := l.expires(k); got != 70*time.Minute {
			t.Errorf("expires in %s", got)
		}
	})
	t.Run("rule 9: a refresh of what was turned elsewhere makes no second next hop", func(t *testing.T) {
		l.ip("-6 route replace " + home56 + " via fe80::77 dev acc1 proto 158 metric 1024")
		do(binding.Refresh, time.Hour)
		if all := l.dump(k); len(all) != 1 || all[0].NextHop != netip.MustParseAddr(cpe) {
			t.Errorf("routes %+v", all)
		}
	})
}
