//go:build linux

package demo

import (
	"context"
	"encoding/hex"
	"os"
	"time"

	"leaseroute/test/lab"
)

// kea is ISC Kea 3.0, the real thing.
type kea struct {
	data lab.KeaDataset
}

func (k *kea) start(ctx context.Context, s *stage) error {
	tree, err := lab.FetchKea(ctx, os.Stderr)
	if err != nil {
		return err
	}
	k.data = s.PlainLeases(s.Subscribers, time.Now())
	server, err := s.NewKea(s.Server, tree, k.data.Config, k.data.Leases)
	if err != nil {
		return err
	}
	return server.Start(ctx)
}

func (k *kea) subscriber() lab.Route { return k.data.Live[len(k.data.Live)/2] }

// serve has nothing to do: Kea leases as soon as it runs.
func (k *kea) serve(context.Context, *stage, lab.PeerTree) error { return nil }

// relayIDOf is the relay-id that the server knows the router by.
func relayIDOf(d dhcpServer) string {
	if k, ok := d.(*kea); ok {
		return hex.EncodeToString(k.data.RelayID)
	}
	return relayID
}
