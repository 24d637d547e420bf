package daemon_test

import (
	"context"
	"testing"

	"leaseroute/test/daemon"
	"leaseroute/test/lab/labtest"
)

// TestRestart holds a start with everything in place against the number of
// route messages that the kernel was sent.
func TestRestart(t *testing.T) {
	e := labtest.NewEdge(t, 1)
	// Not t.Context: the server lives as long as its lab.
	if _, err := e.Start(e.Server.Command(context.Background(), daemon.Binary(t), "simulate", "--clients", "300", "--link", "2001:db8:1::1/48")); err != nil {
		t.Fatal(err)
	}
	d := daemon.New(t, e, daemon.Config("00030001020000000001"))
	d.Start(t)
	if s := d.Recovered(t); s.Counters["route_messages"] != 301 {
		t.Errorf("%d messages at the first start, want 300 routes and the covering one", s.Counters["route_messages"])
	}
	before := d.Routes(t)
	tests := []struct {
		name string
		end  func()
	}{
		{"R91 a start after a stop writes nothing", func() { d.Stop(t) }},
		{"R91 a start after a kill writes nothing", func() { d.Kill() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.end()
			d.Start(t)
			if s := d.Recovered(t); s.Counters["route_messages"] != 0 || s.RoutesInstalled != 300 {
				t.Errorf("%d messages, %d routes; want none, and 300", s.Counters["route_messages"], s.RoutesInstalled)
			}
			if after := d.Routes(t); len(after) != len(before) {
				t.Errorf("%d routes, want %d", len(after), len(before))
			}
		})
	}
	d.Stop(t)
}
