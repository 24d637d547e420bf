package daemon_test

import (
	"context"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab/labtest"
)

// TestFlush takes all routes away while they are being put back: iproute2
// flushes in rounds, and so deletes some of them twice.
func TestFlush(t *testing.T) {
	const routes = 2000
	e := labtest.NewEdge(t, 1)
	// Not t.Context: the server lives as long as its lab.
	if _, err := e.Start(e.Server.Command(context.Background(), daemon.Binary(t), "simulate", "--clients", "2000", "--link", "2001:db8:1::1/48")); err != nil {
		t.Fatal(err)
	}
	d := daemon.New(t, e, daemon.Config("00030001020000000001"))
	d.Start(t)
	d.Recovered(t)
	t.Run("DESIGN rule 8 what a flush takes is all put back", func(t *testing.T) {
		for round := range 4 {
			before := d.Status(t).Counters["route_dumps"]
			if err := e.Router.IP(t.Context(), "route flush proto 158"); err != nil {
				t.Fatal(err)
			}
			d.Wait(t, "the audit after the repair", func(s control.Status) bool {
				return s.Counters["route_dumps"] > before && s.RoutesInstalled == routes && s.ByState["pending"] == 0
			})
			if n := len(d.Routes(t)); n != routes {
				t.Fatalf("%d routes after flush %d, want %d", n, round+1, routes)
			}
		}
	})
	d.Stop(t)
}
