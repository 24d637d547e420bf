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

// TestTrafficTeaches holds the made-up traffic against the daemon: every
// exchange counts, and all ways end in the routes that bare would install.
func TestTrafficTeaches(t *testing.T) {
	labtest.NeedRoot(t)
	const c, rounds = crowd(50), 3
	b := &bench{binary: built.Binary(t)}
	bare := bareRoutes(t, c)
	for name, flow := range map[string]func(context.Context, *lab.Edge, *daemon, *traffic, []target) error{
		"at a rate": func(ctx context.Context, _ *lab.Edge, d *daemon, w *traffic, _ []target) error {
			if _, err := w.flow(ctx, rounds*int(c), 1000); err != nil {
				return err
			}
			s, err := d.gleaned(ctx, 2*rounds*uint64(c))
			if taught := s.Counters["glean_taught"]; taught != rounds*uint64(c) {
				t.Errorf("%d of %d Replies taught", taught, rounds*int(c))
			}
			return err
		},
		"one by one, each route awaited": func(_ context.Context, e *lab.Edge, _ *daemon, w *traffic, targets []target) error {
			m, err := newMonitor(e.Router)
			if err != nil {
				return err
			}
			defer m.close()
			var d delay
			for n, target := range targets {
				if err := d.glean(w, m, n, target); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := installed(t, func(ctx context.Context, e *lab.Edge) error {
				targets, err := c.targets(e)
				if err != nil {
					return err
				}
				w, err := newTraffic(e, targets)
				if err != nil {
					return err
				}
				defer w.close()
				d, err := b.watch(ctx, e)
				if err != nil {
					return err
				}
				return flow(ctx, e, d, w, targets)
			})
			if !slices.Equal(got, bare) {
				t.Errorf("%d routes, which are not bare's %d", len(got), len(bare))
			}
		})
	}
}

func TestRememberedRoutesAreBares(t *testing.T) {
	labtest.NeedRoot(t)
	const c = crowd(50)
	b := &bench{binary: built.Binary(t)}
	got := installed(t, func(ctx context.Context, e *lab.Edge) error {
		if err := c.remember(e); err != nil {
			return err
		}
		before, err := routes(e.Router)
		if err != nil {
			return err
		}
		if _, err := b.start(ctx, e, relayID, ""); err != nil {
			return err
		}
		return stand(ctx, e.Router, before+int(c)+covering)
	})
	if bare := bareRoutes(t, c); !slices.Equal(got, bare) {
		t.Errorf("%d routes, which are not bare's %d", len(got), len(bare))
	}
}

// TestTapCounts reads what passes, to the last packet.
func TestTapCounts(t *testing.T) {
	labtest.NeedRoot(t)
	const exchanges = 100
	g := &gleaning{crowd: 10}
	err := g.amid(t.Context(), func(ctx context.Context, e *lab.Edge, w *traffic) error {
		p, err := newTap(e.Router)
		if err != nil {
			return err
		}
		defer p.close()
		if _, err := w.flow(ctx, exchanges, 1000); err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- p.read(2 * exchanges) }()
		if err := <-ended; err != nil {
			return err
		}
		if p.seen != 2*exchanges || p.lost != 0 {
			t.Errorf("%d packets seen and %d lost, want %d and none", p.seen, p.lost, 2*exchanges)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
