package routes

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"leaseroute/binding"
)

var compareRoutes = []cmp.Option{
	cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{}),
	cmpopts.EquateApproxTime(2 * time.Second),
	cmpopts.SortSlices(func(a, b binding.Route) bool { return a.Key.Prefix.Compare(b.Key.Prefix) < 0 }),
}

func TestDump(t *testing.T) {
	l := newLab(t)
	l.ip("tuntap add acc9 mode tun")
	l.ip("link set acc9 up")
	l.ipBatch(`route add 2001:db8:8000:100::/56 via fe80::2 dev acc0 proto 158 metric 1024
route add 2001:db8:8000:230::/60 via fe80::3 dev acc1 proto 158 metric 1024 expires 3600
route add 2001:db8:8000:400::/62 dev acc9 proto 158 metric 1024
route add 2001:db8:8000:500::/56 via fe80::4 dev far-acc0 proto 158 metric 1024
route add 2001:db8:8000:600::/56 proto 158 metric 1024 nexthop via fe80::5 dev acc0 nexthop via fe80::6 dev acc1
route add blackhole 2001:db8:8000::/33 proto 158 metric 4096
route add unreachable 2001:db8:8000:700::/56 proto 158 metric 1024
route add 2001:db8:8000:800::/56 via fe80::2 dev acc0 proto static metric 1024
route add 2001:db8:8000:900::/56 via fe80::2 dev acc0 proto 158 metric 1024 table 100
`)
	k := l.openBlind(options())
	key := func(p string) binding.Key { return binding.Key{Prefix: netip.MustParsePrefix(p)} }
	hop := netip.MustParseAddr
	want := []binding.Route{
		{Key: key("2001:db8:8000:100::/56"), NextHop: hop("fe80::2"), Interface: k.links.Number("acc0")},
		{Key: key("2001:db8:8000:230::/60"), NextHop: hop("fe80::3"), Interface: k.links.Number("acc1"), Expires: time.Now().Add(time.Hour)},
		{Key: key("2001:db8:8000:400::/62"), Interface: k.links.Number("acc9")},
		{Key: key("2001:db8:8000:500::/56")}, // an interface that is not ours to use
		{Key: key("2001:db8:8000:600::/56")}, // several next hops
	}
	t.Run("C114 our routes are adopted as they are, and no others", func(t *testing.T) {
		if diff := cmp.Diff(want, l.dump(k), compareRoutes...); diff != "" {
			t.Error(diff)
		}
		if n := k.Stats().Messages; n != 0 {
			t.Errorf("rule 7: wrote %d messages", n)
		}
	})
	t.Run("an error of the caller's ends the dump and leaves the socket usable", func(t *testing.T) {
		stop := errors.New("enough")
		if err := k.Dump(context.Background(), func([]binding.Route) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("Dump = %v", err)
		}
		if got := l.dump(k); len(got) != len(want) {
			t.Errorf("%d routes, want %d", len(got), len(want))
		}
	})
	t.Run("a table that does not exist is empty", func(t *testing.T) {
		o := options()
		o.Table = 4711
		if got := l.dump(l.openBlind(o)); len(got) != 0 {
			t.Errorf("routes %+v", got)
		}
	})
}

func TestDumpMovesToMetric(t *testing.T) {
	l := newLab(t)
	l.ipBatch(`route add 2001:db8:8000:100::/56 via fe80::2 dev acc0 proto 158 metric 700
route add 2001:db8:8000:200::/56 via fe80::3 dev acc1 proto 158 metric 700 expires 3600
route add 2001:db8:8000:300::/56 via fe80::4 dev acc1 proto 158 metric 1024
route add 2001:db8:8000:400::/56 via fe80::5 dev acc1 proto 158 metric 700
route add 2001:db8:8000:400::/56 via fe80::6 dev acc1 proto 158 metric 1024
`)
	k := l.openBlind(options())
	t.Run("R91 routes of another metric are adopted and given ours", func(t *testing.T) {
		first := l.dump(k)
		again := l.dump(k)
		if len(first) != 4 {
			t.Errorf("%d routes at first, want 4", len(first))
		}
		if diff := cmp.Diff(first, again, compareRoutes...); diff != "" {
			t.Error(diff)
		}
		if ours := l.ours(); strings.Contains(ours, "metric 700") {
			t.Errorf("routes %s", ours)
		}
	})
}

func TestAnotherTable(t *testing.T) {
	l := newLab(t)
	o := options()
	o.Table = 1000 // beyond the octet in struct rtmsg, and no rule leads there
	k := l.open(o)
	l.ip("-6 route add " + home60 + " via fe80::9 dev acc1 proto static metric 1024 table 1000")
	install := []binding.Change{change(k, binding.Install, home56, cpe, "acc0"), change(k, binding.Install, home60, cpe, "acc0")}
	for range 2 { // the second time ours is in the way, and no lookup can tell
		if f := l.apply(k, install...); len(f) != 1 || f[0].Index != 1 || f[0].Reason != binding.ForeignRoute {
			t.Errorf("C114: failures %+v, want the second change's", f)
		}
	}
	if all := l.dump(k); len(all) != 1 || all[0].Key.Prefix.String() != home56 {
		t.Errorf("routes %+v", all)
	}
	if f := l.apply(k, change(k, binding.Withdraw, home56, "", "acc0")); f != nil || len(l.dump(k)) != 0 {
		t.Errorf("not withdrawn: %+v", f)
	}
}

func TestAggregates(t *testing.T) {
	l := newLab(t)
	o := options()
	o.Blackhole = true
	o.Allowed = append(o.Allowed, netip.MustParsePrefix("3fff:1000::/24"))
	l.ip("-6 route add unreachable 3fff:1000::/24 proto static metric 50")
	l.ip("-6 route add blackhole 2001:db8:4000::/34 proto 158 metric 4096") // of an earlier configuration
	k := l.open(o)
	ensure := func() {
		t.Helper()
		must(t, k.EnsureAggregates(context.Background()))
	}
	ensure()
	const own = "blackhole 2001:db8:8000::/33 dev lo metric 4096 pref medium"
	if got := l.ours(); got != own {
		t.Errorf("rule 1: routes %s, want only %s", got, own)
	}
	written := k.Stats().Messages
	ensure()
	l.dump(k)
	ensure()
	k = l.open(o)
	ensure()
	if n := k.Stats().Messages; written != 2 || n != 0 {
		t.Errorf("rule 7: wrote %d messages, and then %d", written, n)
	}
	o.Blackhole = false
	k = l.open(o)
	ensure()
	if got := l.ours(); got != "" {
		t.Errorf("not wanted any more: %s", got)
	}
}

func TestRemoveAll(t *testing.T) {
	l := newLab(t)
	o := options()
	o.Blackhole = true
	k := l.open(o)
	must(t, k.EnsureAggregates(context.Background()))
	var changes []binding.Change
	for i := range 500 {
		changes = append(changes, change(k, binding.Install, fmt.Sprintf("2001:db8:8000:%x::/64", i), cpe, "acc0"))
	}
	l.apply(k, changes...)
	l.ip("-6 route add " + home56 + " via fe80::2 dev acc0 proto static metric 7")
	must(t, k.RemoveAll(context.Background()))
	if got := l.ours(); got != "" {
		t.Errorf("left: %s", got)
	}
	if got := l.ip("-6 route show proto static"); !strings.Contains(got, home56) {
		t.Error("C114: the foreign route is gone")
	}
	must(t, k.RemoveAll(context.Background()))
}

func TestManyRoutes(t *testing.T) {
	const n = 100_000
	l := newLab(t)
	k := l.open(options())
	changes := manyChanges(k, n)
	if f := l.apply(k, changes...); f != nil {
		t.Fatalf("%d failures, first %+v", len(f), f[0])
	}
	all := l.dump(k)
	if len(all) != n {
		t.Fatalf("C114: dump of %d routes, want %d", len(all), n)
	}
	slices.SortFunc(all, func(a, b binding.Route) int { return a.Key.Prefix.Compare(b.Key.Prefix) })
	for i, r := range all {
		if c := changes[i]; r.Key != c.Key || r.NextHop != c.NextHop || r.Interface != c.Interface {
			t.Fatalf("route %d is %+v, want that of %+v", i, r, c)
		}
	}
}

// manyChanges makes n installs of /56, sorted, each with a gateway of its own.
func manyChanges(k *Kernel, n int) []binding.Change {
	changes := make([]binding.Change, n)
	to := netip.MustParseAddr("2001:db8:8000::").As16()
	via := netip.MustParseAddr("fe80::1:0:0").As16()
	for i := range changes {
		to[4], to[5], to[6] = 0x80|byte(i>>16), byte(i>>8), byte(i)
		via[13], via[14], via[15] = byte(i>>16), byte(i>>8), byte(i)
		changes[i] = binding.Change{
			Op: binding.Install, Interface: k.links.Number("acc0"), ValidUntil: binding.Forever,
			Key: binding.Key{Prefix: netip.PrefixFrom(netip.AddrFrom16(to), 56)}, NextHop: netip.AddrFrom16(via),
		}
	}
	return changes
}
