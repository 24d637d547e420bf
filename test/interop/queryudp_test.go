//go:build linux

package interop

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leaseroute/test/lab"
)

// TestQueryCommandOverUDP asks Kea for single leases with `leaseroute query`.
func TestQueryCommandOverUDP(t *testing.T) {
	t.Parallel()
	var wanderer [lab.KeaLinks]lab.KeaLease // a client on both links
	s := startSite(t, func(e *lab.Edge) lab.KeaDataset {
		data := mixed(e)
		wanderer = wander(data.Leases)
		data.Leases = append(data.Leases, wanderer[:]...)
		return data
	})
	d := s.daemon(t, setup{})
	client := severalLeases(t, s.data.Leases)
	clientID := func(l lab.KeaLease) string { return fmt.Sprintf("%x", l.DUID) }
	tests := []struct {
		name string
		args []string
		want []lab.KeaLease
	}{
		{"R38 R39 by client-id, all in one client data", []string{"--client-id", clientID(client[0])}, client},
		{"R39 by address, of a delegated prefix", []string{"--address", client[0].Prefix.Addr().String()}, client[:1]},
		{"R39 R93 by address, inside a delegated prefix", []string{"--address", client[0].Prefix.Addr().Next().String()}, client[:1]},
		{"R40 C37 by client-id, of a client on two links", []string{"--client-id", clientID(wanderer[0])}, wanderer[:]},
		{"R40 by client-id, on the one link", []string{"--client-id", clientID(wanderer[0]), "--link", s.data.Links[0].String()}, wanderer[:1]},
		{"R40 by client-id, on the other link", []string{"--client-id", clientID(wanderer[0]), "--link", s.data.Links[1].String()}, wanderer[1:]},
		{"R42 by client-id, of nobody", []string{"--client-id", "00030001fefefefefefe"}, nil},
		{"R42 by address, of a lease that is over", []string{"--address", s.data.Stale[0].Addr().String()}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.query(t, d, append(tt.args, "--udp")...)
			want := make(map[netip.Prefix]lab.KeaLease)
			for _, l := range tt.want {
				want[l.Prefix] = l
			}
			if diff := cmp.Diff(prefixes(want), prefixes(got), compareAddresses); diff != "" {
				t.Fatalf("leases (-want +got):\n%s", diff)
			}
			for p, a := range got {
				if duid := strings.ReplaceAll(a.Client, ":", ""); duid != clientID(want[p]) || len(a.Relays) != len(want[p].Relays) {
					t.Errorf("%s: %+v, want %+v", p, a, want[p])
				}
			}
		})
	}
	t.Run("R44 C46 a status is a failure, in the server's words", func(t *testing.T) {
		_, stderr, code := d.Run(t, "query", "--udp", "--server", at(keaPort), "--source", lab.RouterAddress.String(), "--address", "3fff::1")
		if code != 1 || !strings.Contains(stderr, "NotConfigured") {
			t.Errorf("exit %d: %s", code, stderr)
		}
	})
	t.Run("R7 C33 what only TCP may ask is not sent", func(t *testing.T) {
		before := s.datagrams(t)
		_, stderr, code := d.Run(t, "query", "--udp", "--server", at(keaPort), "--source", lab.RouterAddress.String(), "--relay-id", fmt.Sprintf("%x", s.data.RelayID))
		if code == 0 || !strings.Contains(stderr, "not over UDP") || s.datagrams(t) != before {
			t.Errorf("exit %d: %s", code, stderr)
		}
	})
}

// wander makes leases, one on each link, of a client that nothing else is known
// of.
func wander(leases []lab.KeaLease) (of [lab.KeaLinks]lab.KeaLease) {
	places := [lab.KeaLinks]netip.Prefix{netip.MustParsePrefix("2001:db8:8fff:100::/56"), netip.MustParsePrefix("2001:db8:afff:100::/56")}
	for i := range of {
		near := slices.IndexFunc(leases, func(l lab.KeaLease) bool {
			return int(l.Subnet) == i+1 && l.Prefix.Bits() == 56 && len(l.Relays) == 1 && isLive(l)
		})
		of[i] = leases[near]
		of[i].Prefix, of[i].DUID = places[i], bytes.Repeat([]byte{0x77}, 12)
	}
	return of
}
