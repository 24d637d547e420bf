package main

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"leaseroute/agent/control"
)

// daemonThatSays serves a status on a control socket until the test ends.
func daemonThatSays(t *testing.T, s control.Status) *control.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "control.sock")
	l, err := control.Listen(socket, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() {
		served <- control.Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { control.Reply(w, s) }), control.NewCrowd(control.MaxConnections))
	}()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return control.NewClient(socket)
}

func TestWatch(t *testing.T) {
	recovered := func(s control.Status) bool { return s.State == "recovered" }
	t.Run("a daemon that is there already", func(t *testing.T) {
		c := daemonThatSays(t, control.Status{State: "recovered"})
		if err := watch(t.Context(), c, time.Hour, recovered); err != nil {
			t.Error(err)
		}
	})
	t.Run("one that does not get there: its last state is told", func(t *testing.T) {
		c := daemonThatSays(t, control.Status{State: "degraded", Bindings: 7})
		err := watch(t.Context(), c, 2*glance, recovered)
		const want = "not done within 400ms: the state is degraded: 7 bindings, 0 routes"
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})
	t.Run("none there", func(t *testing.T) {
		c := control.NewClient(filepath.Join(t.TempDir(), "control.sock"))
		err := watch(t.Context(), c, glance, recovered)
		if err == nil || err.Error() != "no daemon answered within 200ms" {
			t.Errorf("error %v, want that no daemon answered", err)
		}
	})
}
