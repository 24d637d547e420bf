//go:build linux

package main

import (
	"context"
	"slices"
	"testing"

	built "leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

func TestBareInstallsTheDaemonsRoutes(t *testing.T) {
	labtest.NeedRoot(t)
	const c = crowd(2*bareBatch + 1)
	b := &bench{binary: built.Binary(t)}
	recovered := installed(t, func(ctx context.Context, e *lab.Edge) error {
		if _, err := c.serve(ctx, e, b.binary); err != nil {
			return err
		}
		d, err := b.recover(ctx, e, relayID, "")
		if err != nil {
			return err
		}
		return d.complete(ctx, e, int(c))
	})
	sent := bareRoutes(t, c)
	if len(sent) != int(c) || !slices.Equal(recovered, sent) {
		t.Errorf("bare installs %d routes that are not the daemon's %d", len(sent), len(recovered))
	}
}

// bareRoutes are the routes that bare installs for a crowd.
func bareRoutes(t *testing.T, c crowd) []lab.Route {
	t.Helper()
	return installed(t, func(_ context.Context, e *lab.Edge) error {
		targets, err := c.targets(e)
		if err != nil {
			return err
		}
		y, err := newBare(targets, e.Router, bareBatch)
		if err != nil {
			return err
		}
		_, err = y.send(e.Router)
		return err
	})
}

// installed returns the routes to delegated prefixes that f makes in a fresh
// network.
func installed(t *testing.T, f func(context.Context, *lab.Edge) error) (found []lab.Route) {
	t.Helper()
	err := fresh(t.Context(), func(ctx context.Context, e *lab.Edge) error {
		if err := f(ctx, e); err != nil {
			return err
		}
		all, err := e.Router.Routes(protocol)
		found = slices.DeleteFunc(all, func(r lab.Route) bool { return r.Blackhole })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
