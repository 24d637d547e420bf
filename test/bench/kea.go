//go:build linux

package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"leaseroute/test/lab"
)

// kea measures a recovery from a real Kea against a client that only drains
// the same stream. All measurements are of one Kea; the router reboots before
// each of the daemon's.
func (b *bench) kea(ctx context.Context) (results []result, err error) {
	say("%d bindings from Kea, against a client that only drains the stream", b.few)
	tree, err := lab.FetchKea(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	err = fresh(ctx, func(ctx context.Context, e *lab.Edge) error {
		data := e.PlainLeases(b.few, time.Now())
		server, err := e.NewKea(e.Server, tree, data.Config, data.Leases)
		if err != nil {
			return err
		}
		if err := server.Start(ctx); err != nil {
			return err
		}
		product := func(ctx context.Context) (time.Duration, error) { return b.fromKea(ctx, e, data.RelayID) }
		yardstick := func(ctx context.Context) (time.Duration, error) { return drain(ctx, e, data.RelayID, b.few) }
		p, err := alternate(ctx, b.pairs, product, yardstick)
		if err == nil {
			results = append(results, p.result(fmt.Sprintf("%d bindings, Kea to kernel", b.few), "drain", 1.05))
		}
		return err
	})
	return results, err
}

// fromKea times the daemon from its first question to the last route.
func (b *bench) fromKea(ctx context.Context, e *lab.Edge, relayID []byte) (time.Duration, error) {
	if err := e.Reboot(ctx); err != nil {
		return 0, err
	}
	if err := freed(ctx); err != nil {
		return 0, err
	}
	d, err := b.recover(ctx, e, hex.EncodeToString(relayID), "")
	if err != nil {
		return 0, err
	}
	defer d.process.Kill()
	return d.took, d.complete(ctx, e, b.few)
}
