//go:build linux

package e2e

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// reloadable is a configuration with some things to change.
func reloadable(allowed string, lines ...string) string {
	return config(append(lines, fmt.Sprintf("delegation: { allowed: [%s] }", allowed))...)
}

const (
	lowHalf  = `"2001:db8:8000::/34"`
	highHalf = `"2001:db8:c000::/34"`
)

// reload reloads and wants the command to say so.
func (s *site) reload(t *testing.T, want string) {
	t.Helper()
	stdout, stderr, code := s.Run(t, "reload")
	if code != 0 || !strings.Contains(stdout, want) {
		t.Fatalf("reload: exit %d, %q, %q; want %q", code, stdout, stderr, want)
	}
}

// says waits for a line of the daemon's log.
func (s *site) says(t *testing.T, want *regexp.Regexp) {
	t.Helper()
	_, err := s.Process().WaitLine(s.ctx, want)
	must(t, err)
}

func TestReload(t *testing.T) {
	// started is a site with a lease in each half of the block, and a monitor.
	started := func(t *testing.T, allowed string, lines ...string) (*site, lqserver.Binding, lqserver.Binding) {
		t.Helper()
		s := newSite(t, reloadable(allowed, append([]string{dhcp1()}, lines...)...))
		low, high := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:c000:100::/56", 1)
		s.serveBoth(t, s.list(low, high), lqserver.Options{})
		s.Start(t)
		s.settled(t)
		return s, low, high
	}
	t.Run("what is allowed anew is routed, what no longer is loses its route", func(t *testing.T) {
		t.Parallel()
		s, low, high := started(t, lowHalf)
		s.exact(t, s.fibOf(low))
		s.Configure(t, reloadable(lowHalf+", "+highHalf, dhcp1()))
		s.reload(t, "changed: delegation")
		s.holds(t, s.fibOf(low, high))
		s.Configure(t, reloadable(highHalf, dhcp1()))
		s.reload(t, "changed: delegation")
		s.holds(t, s.fibOf(high))
		if got := s.Status(t); got.Reloads != 2 || got.State != "recovered" {
			t.Errorf("%d reloads, state %s", got.Reloads, got.State)
		}
	})
	t.Run("what has not changed is not touched", func(t *testing.T) {
		t.Parallel()
		s, low, high := started(t, lowHalf+", "+highHalf)
		before := s.Status(t)
		s.Configure(t, reloadable(lowHalf+", "+highHalf, dhcp1(), "log: { level: debug }", "on_demand: { rate: 7 }", "glean: { enabled: false }"))
		s.reload(t, "changed: glean, on_demand, log")
		s.exact(t, s.fibOf(low, high))
		for _, name := range []string{"routes_installed", "routes_replaced", "routes_deleted", "routes_refreshed"} {
			if n := s.Status(t).Counters[name]; n != 0 {
				t.Errorf("the reload wrote to the kernel: %s is %d", name, n)
			}
		}
		if after := s.Status(t); after.Servers[0].Rounds == 0 && before.Servers[0].Rounds != 0 {
			t.Errorf("rounds %d, then %d", before.Servers[0].Rounds, after.Servers[0].Rounds)
		}
	})
	t.Run("a server that is added is asked, one that goes leaves its leases, and the others are not asked again", func(t *testing.T) {
		t.Parallel()
		s, low, high := started(t, lowHalf+", "+highHalf)
		third := s.lease(3, "2001:db8:8000:300::/56", 0)
		s.serve(t, 1547, s.list(third), lqserver.Options{DUID: otherDUID})
		other := fmt.Sprintf("address: %q", netip.AddrPortFrom(lab.ServerAddress, 1547))
		asked := s.Status(t).Servers[0].Counters["connects"]
		// The new one comes first: the numbers of the servers change.
		s.Configure(t, reloadable(lowHalf+", "+highHalf, serverLine("dhcp2", 0, other, "lookup: false"), dhcp1()))
		s.reload(t, "changed: servers")
		s.holds(t, s.fibOf(low, high, third))
		s.status(t, func(now control.Status) error {
			if n := len(now.Servers); n != 2 || now.Servers[0].Name != "dhcp2" || now.Servers[0].State != "complete" {
				return fmt.Errorf("%d servers", n)
			}
			return nil
		})
		if again := s.Status(t).Servers[1].Counters["connects"]; again != asked {
			t.Errorf("dhcp1 was asked again: %d connections, then %d", asked, again)
		}
		if b := s.Bindings(t)[low.Prefix.String()]; b.Server != "dhcp1" {
			t.Errorf("the lease of dhcp1 is now one of %q", b.Server)
		}
		s.Configure(t, reloadable(lowHalf+", "+highHalf, serverLine("dhcp2", 0, other, "lookup: false")))
		s.reload(t, "changed: servers")
		s.exact(t, s.fibOf(low, high, third))
	})
	t.Run("an interface that is no longer ours loses its routes, and gets them back", func(t *testing.T) {
		t.Parallel()
		s, low, high := started(t, lowHalf+", "+highHalf)
		s.Configure(t, reloadable(lowHalf+", "+highHalf, dhcp1(), `interfaces: { access: ["acc0"], core: ["core0"] }`))
		s.reload(t, "changed: interfaces")
		s.holds(t, s.fibOf(low))
		s.Configure(t, reloadable(lowHalf+", "+highHalf, dhcp1()))
		s.reload(t, "changed: interfaces")
		s.holds(t, s.fibOf(low, high))
	})
	t.Run("SIGHUP reloads too", func(t *testing.T) {
		t.Parallel()
		s, low, high := started(t, lowHalf)
		s.Configure(t, reloadable(lowHalf+", "+highHalf, dhcp1()))
		s.Signal(t, syscall.SIGHUP)
		s.says(t, regexp.MustCompile(`msg=reloaded`))
		s.holds(t, s.fibOf(low, high))
	})
	for _, tt := range []struct{ name, config, says string }{
		{"a bad configuration changes nothing, and says what is wrong", reloadable(highHalf, dhcp1(), "routes: { metric: many }"), "routes.metric: is not a whole number"},
		{"what takes a restart is refused, by name", reloadable(highHalf, dhcp1(), "routes: { metric: 99 }"), "routes.metric: can't be changed while the daemon runs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, low, _ := started(t, lowHalf)
			s.Configure(t, tt.config)
			s.Signal(t, syscall.SIGHUP)
			s.says(t, regexp.MustCompile(`nothing has changed" error="[^"]*`+regexp.QuoteMeta(tt.says)))
			s.exact(t, s.fibOf(low))
			if n := s.Status(t).Reloads; n != 0 {
				t.Errorf("%d reloads", n)
			}
		})
	}
	t.Run("nothing new is nothing to do", func(t *testing.T) {
		t.Parallel()
		s, _, _ := started(t, lowHalf)
		s.reload(t, "nothing has changed")
	})
	t.Run("in the middle of a recovery", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, reloadable(lowHalf, dhcp1()))
		g := s.generate(t, 5000, nil)
		hold := lqserver.NewHold(2000)
		s.serve(t, 547, g, lqserver.Options{Faults: lqserver.Faults{Hold: hold}})
		s.Start(t)
		s.status(t, func(now control.Status) error {
			if now.Bindings < 1000 {
				return fmt.Errorf("%d bindings", now.Bindings)
			}
			return nil
		})
		s.Configure(t, reloadable(lowHalf+", "+highHalf, dhcp1()))
		s.Signal(t, syscall.SIGHUP)
		s.says(t, regexp.MustCompile(`msg=reloaded`))
		hold.Release()
		s.settled(t)
		want := make(fib)
		for i := range 5000 {
			for _, b := range g.Leases(i) {
				want[b.Prefix] = s.routeOf(b)
			}
		}
		s.exact(t, want)
	})
}
