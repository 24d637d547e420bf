package routes

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"leaseroute/binding"
)

// A watch collects what Watch reports.
type watch struct {
	*lab
	k      *Kernel
	events chan Event
}

// startWatch runs Watch until the test ends.
func startWatch(l *lab, k *Kernel) *watch {
	l.t.Helper()
	w := &watch{lab: l, k: k, events: make(chan Event, 4096)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Watch(ctx, w.events) }()
	l.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			l.t.Errorf("Watch = %v, want nil after the end of its context", err)
		}
		goleak.VerifyNone(l.t)
	})
	return w
}

// until returns the events so far: up to a mark of the test's own, a route of
// ours that it adds and that somebody else deletes.
func (w *watch) until() (seen []string) {
	w.t.Helper()
	const mark = "2001:db8:ffff:ffff::/64"
	w.ip("-6 route add blackhole " + mark + " proto 158 metric 1024")
	w.ip("-6 route del blackhole " + mark + " proto 158 metric 1024")
	for marks := 0; ; {
		e := <-w.events
		if e.Kind == RouteGone && e.Prefix.String() == mark {
			if marks++; marks == 2 {
				return seen
			}
			continue
		}
		seen = append(seen, w.words(e))
	}
}

// words renders an event.
func (w *watch) words(e Event) string {
	s := e.Kind.String()
	if e.Prefix.IsValid() {
		s += " " + e.Prefix.String()
	}
	if e.Interface != 0 {
		s += " " + w.k.links.Name(e.Interface)
	}
	return s
}

// expect compares events, in any order. Some come late: the kernel reports a
// carrier when it finds the time.
func (w *watch) expect(what string, want ...string) {
	w.t.Helper()
	got := w.until()
	for round := 0; len(got) < len(want) && round < 500; round++ {
		got = append(got, w.until()...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: events %q, want %q", what, got, want)
	}
}

func TestWatchRoutes(t *testing.T) {
	l := newLab(t)
	k := l.open(options())
	w := startWatch(l, k)
	install := func() {
		t.Helper()
		if f := l.apply(k, change(k, binding.Install, home56, cpe, "acc0"), change(k, binding.Install, home60, cpe, "acc1")); f != nil {
			t.Fatalf("failures %+v", f)
		}
	}
	install()
	l.apply(k, change(k, binding.Move, home56, "fe80::5", "acc0"), change(k, binding.Refresh, home60, cpe, "acc1"))
	w.expect("what we do ourselves is not heard")

	l.ip("-6 route flush proto 158")
	w.expect("rule 8: ip -6 route flush proto 158", "route gone "+home56+" acc0", "route gone "+home60+" acc1")

	install()
	l.ip("-6 route del " + home56)
	w.expect("rule 8: one is deleted", "route gone "+home56+" acc0")

	install()
	l.ip("-6 route replace " + home56 + " via fe80::99 dev core0 proto static metric 1024")
	w.expect("rule 8: one is replaced by a foreign route", "route gone "+home56, "foreign route added "+home56)
	if f := l.apply(k, change(k, binding.Install, home56, cpe, "acc0")); len(f) != 1 || f[0].Reason != binding.ForeignRoute {
		t.Errorf("failures %+v, want a foreign route", f)
	}
	l.ip("-6 route del " + home56)
	w.expect("the foreign route goes", "foreign route gone "+home56)

	install()
	l.ip("-6 route replace " + home56 + " via fe80::99 dev acc1 proto 158 metric 1024")
	w.expect("rule 8: one is turned elsewhere under our number", "route gone "+home56+" acc1")
}

func TestRefreshIsSilent(t *testing.T) {
	l := newLab(t)
	o := options()
	o.FailSafe = true
	k := l.open(o)
	c := change(k, binding.Install, home56, cpe, "acc0")
	c.ValidUntil = time.Now().Add(time.Hour)
	l.apply(k, c)
	w := startWatch(l, l.open(options())) // another process: its filter lets our writes pass
	c.Op, c.ValidUntil = binding.Refresh, c.ValidUntil.Add(time.Hour)
	l.apply(k, c)
	w.expect("rule 9: a refresh notifies nobody")
	if got := l.expires(k); got != 2*time.Hour {
		t.Errorf("expires in %s", got)
	}
	c.Op = binding.Move
	l.apply(k, c)
	w.expect("rule 9: a replacement does", "route gone "+home56+" acc0")
}

func TestWatchForeign(t *testing.T) {
	l := newLab(t)
	k := l.open(options())
	w := startWatch(l, k)
	l.ip("-6 route add 2001:db8:4000::/48 via fe80::9 dev core0 proto static")
	l.ip("-6 route add default via fe80::9 dev core0 proto static")
	l.ip("-6 route add " + home56 + " via fe80::9 dev core0 proto static table 100")
	w.expect("routes outside the allowed blocks, or in another table, do not matter")

	l.ip("-6 route add " + home56 + " via fe80::9 dev core0 proto static metric 5")
	l.ip("-6 route add " + home56 + " via fe80::9 dev core0 proto bgp metric 6")
	w.expect("rule 1: a foreign route at any metric", "foreign route added "+home56)
	l.ip("-6 route del " + home56 + " metric 5")
	w.expect("there is one left")
	l.ip("-6 route del " + home56 + " metric 6")
	w.expect("that was the last", "foreign route gone "+home56)

	l.ip("-6 addr add 2001:db8:8000:1aa::1/64 dev acc0")
	w.expect("rule 1: a connected prefix appears", "link changed acc0")
	if f := l.apply(k, change(k, binding.Install, home56, cpe, "acc0")); len(f) != 1 || f[0].Reason != binding.ConnectedOverlap {
		t.Errorf("failures %+v, want an overlap", f)
	}
	l.ip("-6 addr del 2001:db8:8000:1aa::1/64 dev acc0")
	w.expect("and goes", "link changed acc0")
	if f := l.apply(k, change(k, binding.Install, home56, cpe, "acc0")); f != nil {
		t.Errorf("failures %+v", f)
	}
}

// loseCarrier waits until the kernel has taken in that an interface lost its
// carrier: it does so later, and not at all if the carrier is back by then.
func (l *lab) loseCarrier(name string) {
	l.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(l.ip("-oneline link show "+name), "DOWN mode") {
		select {
		case <-tick.C:
		case <-l.t.Context().Done():
			l.t.Fatalf("%s still has a carrier", name)
		}
	}
}

func TestWatchLinks(t *testing.T) {
	for _, silent := range []string{"0", "1"} {
		t.Run("C111 links go and come, skip_notify_on_dev_down="+silent, func(t *testing.T) {
			l := newLab(t)
			l.sysctl("net/ipv6/route/skip_notify_on_dev_down", silent)
			l.ip("-6 addr add 2001:db8:1::1/64 dev acc0")
			k := l.open(options())
			w := startWatch(l, k)
			l.apply(k, change(k, binding.Install, home56, cpe, "acc0"))
			var gone []string
			if silent == "0" {
				gone = []string{"route gone " + home56 + " acc0"}
			}
			l.ip("link set far-acc0 down")
			l.loseCarrier("acc0")
			w.expect("S-2: carrier loss keeps the route, and is not told")
			l.ip("link set far-acc0 up")
			w.expect("carrier", "link up acc0")
			l.ip("link set far-acc0 down")
			l.loseCarrier("acc0")
			l.ip("link set acc0 down")
			w.expect("admin down without a carrier", append(gone, "link down acc0", "link changed acc0")...)
			l.ip("link set acc0 up")
			w.expect("admin up without a carrier")
			l.ip("link set far-acc0 up")
			w.expect("carrier again", "link up acc0")
			l.ip("-6 addr add 2001:db8:1::1/64 dev acc0")
			w.expect("the address is there again", "link changed acc0")
			l.apply(k, change(k, binding.Install, home56, cpe, "acc0"))
			l.ip("link set acc0 down")
			w.expect("admin down", append(gone, "link down acc0", "link changed acc0")...)
			l.ip("link set acc0 up")
			w.expect("admin up: the address is not back", "link up acc0")
			if f := l.apply(k, change(k, binding.Install, home56, cpe, "acc0")); f != nil {
				t.Errorf("failures %+v", f)
			}
			l.ip("-6 addr add 2001:db8:1::1/64 dev acc0")
			w.expect("the address is back", "link changed acc0")
			if n := k.links.ResolveAddress(netip.MustParseAddr("2001:db8:1::77")); k.links.Name(n) != "acc0" {
				t.Errorf("the snapshot does not know of the address: %d", n)
			}
			l.ip("link del acc0")
			w.expect("deleted", append(gone, "link down acc0", "link removed acc0")...)
			l.ip("link add acc0 type veth peer name far-acc0")
			w.expect("it appears", "link appeared acc0")
			l.ip("link set far-acc0 up")
			l.ip("link set acc0 up")
			w.expect("and comes up", "link up acc0")
			if f := l.apply(k, change(k, binding.Install, home56, cpe, "acc0")); f != nil {
				t.Errorf("failures %+v: a new interface has a new index", f)
			}
			l.ip("link set core0 down")
			l.ip("link set core0 name core7")
			w.expect("a renamed link is another", "link down core0", "link removed core0", "link appeared core7")
		})
	}
}

func TestForeignGoesWithItsLink(t *testing.T) {
	l := newLab(t)
	l.sysctl("net/ipv6/route/skip_notify_on_dev_down", "1")
	l.ip("-6 addr add 2001:db8:8000:1aa::1/64 dev acc1")
	l.ip("-6 route add " + home60 + " via fe80::9 dev acc1 proto static metric 7")
	k := l.open(options())
	w := startWatch(l, k)
	install := []binding.Change{change(k, binding.Install, home56, cpe, "acc0"), change(k, binding.Install, home60, cpe, "acc0")}
	if f := l.apply(k, install...); len(f) != 2 || f[0].Reason != binding.ConnectedOverlap || f[1].Reason != binding.ForeignRoute {
		t.Errorf("failures %+v", f)
	}
	l.ip("link set acc1 down")
	w.expect("rule 8: the kernel need not tell of the routes", "link down acc1", "link changed acc1")
	if f := l.apply(k, install...); f != nil {
		t.Errorf("rule 8: failures %+v, but nothing is in the way any more", f)
	}
}

func TestWatchDownAndUp(t *testing.T) {
	l := newLab(t)
	l.sysctl("net/ipv6/route/skip_notify_on_dev_down", "1")
	k := l.open(options())
	l.ip("link set acc0 down")
	l.ip("link set acc0 up") // before anyone reads
	w := startWatch(l, k)
	w.expect("C111 a link that went down and up at once is told as that", "link down acc0", "link up acc0")
}

func TestWatchAggregates(t *testing.T) {
	const block = "2001:db8:8000::/33"
	l := newLab(t)
	o := options()
	o.Blackhole = true
	k := l.open(o)
	must(t, k.EnsureAggregates(context.Background()))
	w := startWatch(l, k)
	w.expect("our own covering route is not heard")
	l.ip("-6 route flush proto 158")
	w.expect("rule 8: the covering route is taken", "aggregate gone "+block)
	must(t, k.EnsureAggregates(context.Background()))
	if got := l.ours(); got != "blackhole "+block+" dev lo metric 4096 pref medium" {
		t.Errorf("routes %s", got)
	}
	l.ip("-6 route replace blackhole " + block + " metric 4096 proto static")
	w.expect("a foreign one takes its place", "foreign route added "+block)
	before := k.Stats().Messages
	must(t, k.EnsureAggregates(context.Background()))
	if n := k.Stats().Messages - before; n != 0 {
		t.Errorf("wrote %d messages although a foreign route stands in", n)
	}
	l.ip("-6 route del blackhole " + block + " metric 4096")
	w.expect("and goes", "foreign route gone "+block, "aggregate gone "+block)
}

func TestWatchOverflow(t *testing.T) {
	l := newLab(t)
	k := l.open(options())
	l.ip("link set acc1 down")
	l.in(func() error { return shrink(k.monitor) })
	var addresses strings.Builder
	for i := range 300 {
		fmt.Fprintf(&addresses, "addr add 2001:db8:%x::1/64 dev core0\n", i+1)
	}
	l.ipBatch(addresses.String())
	l.ip("link set acc0 down")
	w := startWatch(l, k)
	want := map[string]bool{"overflow": true, "link down acc0": true, "link down acc1": true, "link changed core0": true}
	for len(want) > 0 { // no mark would be sure to arrive
		delete(want, w.words(<-w.events))
	}
	if k.Stats().Overflows == 0 {
		t.Error("the overflow was not counted")
	}
}

// TestWatchExpired: the kernel collects expired routes only now and then, but
// a write to its flush switch does so at once.
func TestWatchExpired(t *testing.T) {
	l := newLab(t)
	k := l.open(options())
	w := startWatch(l, k)
	l.ip("-6 route add " + home56 + " via fe80::2 dev acc0 proto 158 metric 1024 expires 1")
	w.until()
	for {
		l.sysctl("net/ipv6/route/flush", "0")
		select {
		case e := <-w.events:
			if e.Kind != RouteGone || e.Prefix.String() != home56 {
				t.Errorf("rule 9: event %+v, want a route gone", e)
			}
			return
		default:
		}
	}
}
