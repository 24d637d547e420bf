//go:build linux

package lab_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

// protocol is the routing protocol number of the routes in these tests.
const protocol = 158

// patience bounds waits for what should happen at once.
const patience = 20 * time.Second

func route(prefix, gateway, dev string) lab.Route {
	return lab.Route{Prefix: netip.MustParsePrefix(prefix), Gateway: netip.MustParseAddr(gateway), Dev: dev}
}

// install adds a route at the edge's router, as the agent would.
func install(t *testing.T, e *lab.Edge, r lab.Route) {
	t.Helper()
	must(t, e.Router.IP(t.Context(), fmt.Sprintf("route add %s via %s dev %s proto %d", r.Prefix, r.Gateway, r.Dev, protocol)))
}

func TestEdgeReachesSubscribersByTheirRoutesOnly(t *testing.T) {
	t.Parallel()
	e := labtest.NewEdge(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	routes := []lab.Route{
		route("2001:db8:8000:1200::/56", "fe80::1:0", "acc0"),
		route("2001:db8:8000:1300::/60", "2001:db8:2::99", "acc1"),
	}
	must(t, e.Answer(ctx, routes...))
	for _, r := range routes {
		inside := r.Prefix.Addr().Next()
		if _, err := e.Server.Ping(ctx, inside); !errors.Is(err, lab.ErrUnreachable) {
			t.Errorf("without a route: Ping = %v, want %v", err, lab.ErrUnreachable)
		}
		install(t, e, r)
		_, err := e.Server.Ping(ctx, inside)
		must(t, err)
	}
	must(t, e.Router.IP(ctx, "route add blackhole 2001:db8:8000::/33 proto 158"))
	routes = append(routes, lab.Route{Prefix: lab.Delegated, Blackhole: true})
	slices.SortFunc(routes, lab.Route.Compare)
	got, err := e.Router.Routes(protocol)
	must(t, err)
	if !slices.Equal(got, routes) {
		t.Errorf("Routes = %v\nwant %v", got, routes)
	}
}

func TestAWrongNextHopIsNoticed(t *testing.T) {
	t.Parallel()
	e := labtest.NewEdge(t, 1)
	must(t, e.Answer(t.Context(), route("2001:db8:8000:1200::/56", "fe80::1:0", "acc0")))
	install(t, e, route("2001:db8:8000:1200::/56", "fe80::1:1", "acc0"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := e.Server.Ping(ctx, netip.MustParseAddr("2001:db8:8000:1200::1")); !errors.Is(err, lab.ErrUnreachable) {
		t.Errorf("Ping = %v, want %v", err, lab.ErrUnreachable)
	}
}

func TestRebootLosesRoutesAndComesBack(t *testing.T) {
	t.Parallel()
	e := labtest.NewEdge(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r := route("2001:db8:8000:1200::/56", "fe80::1:0", "acc1")
	must(t, e.Answer(ctx, r))
	install(t, e, r)
	p, err := e.Start(e.Router.Command(ctx, "sleep", "1000"))
	must(t, err)
	must(t, e.Reboot(ctx))
	if err := p.Wait(ctx); err == nil {
		t.Error("a process survived the reboot")
	}
	if got, err := e.Router.Routes(protocol); err != nil || len(got) > 0 {
		t.Errorf("after the reboot Routes = %v, %v; want none", got, err)
	}
	_, err = e.Server.Ping(ctx, e.Access[1].Address)
	must(t, err)
	install(t, e, r)
	_, err = e.Server.Ping(ctx, r.Prefix.Addr())
	must(t, err)
}

func TestWaitRoutesFollowsChanges(t *testing.T) {
	t.Parallel()
	e := labtest.NewEdge(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	want := make(map[netip.Prefix]lab.Route)
	commands := []string{"route add 2001:db8:8000::/64 via fe80::9 dev acc0 proto 158"}
	for i := range 2000 {
		r := route(fmt.Sprintf("2001:db8:8001:%x::/64", i), fmt.Sprintf("fe80::%x", i+2), "acc0")
		want[r.Prefix] = r
		commands = append(commands, fmt.Sprintf("route add %s via %s dev %s proto 158", r.Prefix, r.Gateway, r.Dev))
	}
	commands = append(commands, "route del 2001:db8:8000::/64")
	installed := make(chan error, 1)
	first := func(have map[netip.Prefix]lab.Route) bool {
		if len(have) == 0 && len(installed) == 0 { // asked before anything happened
			installed <- e.Router.IP(ctx, commands...)
		}
		return len(have) == len(want) && have[netip.MustParsePrefix("2001:db8:8001:7cf::/64")].Dev == "acc0" &&
			!have[netip.MustParsePrefix("2001:db8:8000::/64")].Prefix.IsValid()
	}
	must(t, e.Router.WaitRoutes(ctx, protocol, first))
	must(t, <-installed)
	got, err := e.Router.Routes(protocol)
	must(t, err)
	for _, r := range got {
		if want[r.Prefix] != r {
			t.Errorf("got %v, want %v", r, want[r.Prefix])
		}
	}
}

func TestProbeCountsLostPackets(t *testing.T) {
	t.Parallel()
	e := labtest.NewEdge(t, 1)
	r := route("2001:db8:8000:1200::/56", "fe80::1:0", "acc0")
	must(t, e.Answer(t.Context(), r))
	install(t, e, r)
	target := r.Prefix.Addr()
	_, err := e.Server.Ping(t.Context(), target) // resolves the next hop
	must(t, err)

	probe := func(during func()) lab.ProbeResult {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		result := make(chan lab.ProbeResult, 1)
		go func() {
			got, err := e.Server.Probe(ctx, time.Millisecond, target)
			if err != nil {
				t.Error(err)
			}
			result <- got
		}()
		during()
		stop()
		return <-result
	}
	// Pings of ours mark the time: while one is answered the probe runs.
	ping := func() {
		for range 50 {
			_, err := e.Server.Ping(t.Context(), e.Access[0].Address)
			must(t, err)
		}
	}
	if got := probe(ping); got.Sent == 0 || got.Lost() != 0 || got.Longest == 0 {
		t.Errorf("with the route: %+v, want none lost", got)
	}
	must(t, e.Router.IP(t.Context(), fmt.Sprintf("route del %s", r.Prefix)))
	if got := probe(ping); got.Sent == 0 || got.Answered != 0 {
		t.Errorf("without the route: %+v, want all lost", got)
	}
}
