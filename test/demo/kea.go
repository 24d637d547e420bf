//go:build linux

package demo

import (
	"context"
	"encoding/hex"
	"net/netip"
	"os"
	"time"

	"leaseroute/binding"
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
	server, err := s.NewKea(s.Server, tree, k.data.Config, append(k.data.Leases, s.otherRelays()))
	if err != nil {
		return err
	}
	return server.Start(ctx)
}

func (k *kea) subscriber() lab.Route { return k.data.Live[len(k.data.Live)/2] }

// otherRelays is a lease that was made through another relay on the same link:
// by our relay-id Kea does not find it.
func (s *stage) otherRelays() lab.KeaLease {
	return lab.KeaLease{
		Prefix: netip.MustParsePrefix("2001:db8:8fff:ff00::/56"), // the last of its pool
		DUID:   []byte{0, 3, 0, 1, 2, 0x10, 0xff, 0xff, 0xff, 0xff},
		IAID:   1,
		Subnet: 1,
		Valid:  86_400, Preferred: 43_200,
		CLT: time.Now().Add(-time.Hour),
		Relays: []binding.Relay{{
			Link: s.Access[0].Address, Peer: netip.MustParseAddr("fe80::1:ffff:ffff"),
			RelayID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 9},
		}},
	}
}

func (k *kea) withheld(s *stage) withheld {
	l := s.otherRelays()
	return withheld{
		lab.Route{Prefix: l.Prefix, Gateway: l.Relays[0].Peer, Dev: s.Access[0].Name},
		"one lease was made through the relay that was here before; by this one's relay-id Kea does not find it",
	}
}

// serve has nothing to do: Kea leases as soon as it runs.
func (k *kea) serve(context.Context, *stage, lab.PeerTree) error { return nil }

// relayIDOf is the relay-id that the server knows the router by.
func relayIDOf(d dhcpServer) string {
	if k, ok := d.(*kea); ok {
		return hex.EncodeToString(k.data.RelayID)
	}
	return relayID
}
