package daemon_test

import (
	"context"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

// TestLateLinkAddress is a boot in its usual order: the daemon runs before the
// access interfaces have their addresses, and the relay sends no relay-id.
func TestLateLinkAddress(t *testing.T) {
	e := labtest.NewEdge(t, 2)
	links := []string{"addr HOW 2001:db8:1::1/64 dev acc0 nodad", "addr HOW 2001:db8:2::1/64 dev acc1 nodad"}
	for _, l := range links {
		change(t, e, l, "del")
	}
	// Not t.Context: the server lives as long as its lab.
	if _, err := e.Start(e.Server.Command(context.Background(), daemon.Binary(t), "simulate", "--clients", "20",
		"--link", "2001:db8:1::1/48", "--link", "2001:db8:2::1/48")); err != nil {
		t.Fatal(err)
	}
	d := daemon.New(t, e, daemon.Config("00030001020000000001"))
	d.Start(t)

	t.Run("C78 nothing is known before there is a link to ask for", func(t *testing.T) {
		s := d.Wait(t, "an empty answer", func(s control.Status) bool { return s.Counters["empty_answers"] > 0 && s.Counters["rounds_broken"] > 0 })
		if s.State != "recovering" {
			t.Errorf("state %s, want recovering", s.State)
		}
	})
	t.Run("C78 the first address is asked for at once", func(t *testing.T) {
		change(t, e, links[0], "add")
		if s := d.Recovered(t); s.Bindings != 10 {
			t.Errorf("%d bindings, want the 10 of that link", s.Bindings)
		}
	})
	t.Run("C78 so is a further one", func(t *testing.T) {
		change(t, e, links[1], "add")
		d.Wait(t, "all routes", func(s control.Status) bool { return s.RoutesInstalled == 20 })
		if n := len(d.Routes(t)); n != 20 {
			t.Errorf("%d routes in the kernel, want 20", n)
		}
	})
	d.Stop(t)
}

// change adds or deletes an address of the router.
func change(t *testing.T, e *lab.Edge, address, how string) {
	t.Helper()
	if err := e.Router.IP(t.Context(), strings.Replace(address, "HOW", how, 1)); err != nil {
		t.Fatal(err)
	}
}
