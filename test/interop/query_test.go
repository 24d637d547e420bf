//go:build linux

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

// TestQueryCommand asks Kea with `leaseroute query`, which needs no daemon.
func TestQueryCommand(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	d := s.daemon(t, setup{})
	ours := func(l lab.KeaLease) bool { return int(l.Subnet) <= lab.KeaLinks && isLive(l) }
	client := severalLeases(t, s.data.Leases)
	tests := []struct {
		name string
		args []string
		of   func(lab.KeaLease) bool // the leases that the answer must hold
		more bool                    // Kea adds leases that are over
	}{
		{"C58 R57 by relay-id", []string{"--relay-id", fmt.Sprintf("%x", s.data.RelayID)}, ours, true},
		{"C58 by link-address", []string{"--link", s.data.Links[1].String()},
			func(l lab.KeaLease) bool { return l.Subnet == 2 && isLive(l) }, false},
		{"C16 by remote-id", []string{"--remote-id", "3561:olt-3"},
			func(l lab.KeaLease) bool { return ours(l) && hasRemoteID(l, s.data.RemoteIDs[3]) }, true},
		{"C8 C75 by client-id", []string{"--client-id", fmt.Sprintf("%x", client[0].DUID)},
			func(l lab.KeaLease) bool { return bytes.Equal(l.DUID, client[0].DUID) && isLive(l) }, false},
		{"C57 by address, of a delegated prefix", []string{"--address", client[0].Prefix.Addr().String()},
			func(l lab.KeaLease) bool { return l.Prefix == client[0].Prefix }, false},
		{"C57 by address, inside a delegated prefix", []string{"--address", client[0].Prefix.Addr().Next().String()},
			func(l lab.KeaLease) bool { return l.Prefix == client[0].Prefix }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.query(t, d, tt.args...)
			want := make(map[netip.Prefix]lab.KeaLease)
			for _, l := range s.data.Leases {
				if tt.of(l) {
					want[l.Prefix] = l
				}
			}
			over := takeOver(t, got, want)
			t.Logf("%d leases, and %d that are over", len(want), over)
			if len(want) == 0 || tt.more != (over > 0) {
				t.Errorf("%d leases that are over, want some: %t", over, tt.more)
			}
			if diff := cmp.Diff(prefixes(want), prefixes(got), compareAddresses); diff != "" {
				t.Errorf("leases (-want +got):\n%s", diff)
			}
			for p, a := range got {
				if duid := strings.ReplaceAll(a.Client, ":", ""); duid != fmt.Sprintf("%x", want[p].DUID) || len(a.Relays) != len(want[p].Relays) {
					t.Errorf("%s: %+v, want %+v", p, a, want[p])
				}
			}
		})
	}
	t.Run("C56 an empty answer is no failure", func(t *testing.T) {
		if got := s.query(t, d, "--relay-id", "00030001fefefefefefe"); len(got) != 0 {
			t.Errorf("%v", got)
		}
	})
	t.Run("C59 a status is one, in the server's words", func(t *testing.T) {
		_, stderr, code := d.Run(t, "query", "--server", at(keaPort), "--source", lab.RouterAddress.String(), "--link", "3fff::1")
		t.Log(stderr)
		if code != 1 || !strings.Contains(stderr, "NotConfigured") {
			t.Errorf("exit %d: %s", code, stderr)
		}
	})
}

// takeOver takes what is not wanted out of an answer, and counts it. A prefix
// of those is doubtful or withdrawn. An address need not be: Kea reports by
// relay-id those that were declined as if they were held.
func takeOver(t *testing.T, got map[netip.Prefix]answered, want map[netip.Prefix]lab.KeaLease) (over int) {
	t.Helper()
	for p, a := range got {
		if _, ok := want[p]; ok {
			continue
		}
		over++
		delete(got, p)
		if !p.IsSingleIP() && !a.Doubtful && a.Valid != nil && *a.Valid > 0 {
			t.Errorf("%s: %+v can't be told from a live lease", p, a)
		}
	}
	return over
}

// An answered is what query prints of a lease.
type answered struct {
	Prefix   netip.Prefix
	Client   string   `json:"client_duid"`
	Valid    *float64 `json:"valid_seconds"`
	Doubtful bool
	Relays   []json.RawMessage
}

// query runs `leaseroute query` on the router and returns what it printed.
func (s *site) query(t *testing.T, d *daemon.Daemon, args ...string) map[netip.Prefix]answered {
	t.Helper()
	args = append([]string{"query", "--json", "--server", at(keaPort), "--source", lab.RouterAddress.String()}, args...)
	stdout, stderr, code := d.Run(t, args...)
	if code != 0 {
		t.Fatalf("%q: exit %d: %s", args, code, stderr)
	}
	got := make(map[netip.Prefix]answered)
	for lines := json.NewDecoder(strings.NewReader(stdout)); lines.More(); {
		var a answered
		must(t, lines.Decode(&a))
		got[a.Prefix] = a
	}
	return got
}

func isLive(l lab.KeaLease) bool { return l.Live(time.Now()) }

func hasRemoteID(l lab.KeaLease, id []byte) bool {
	for _, r := range l.Relays {
		if bytes.Equal(r.RemoteID, id) {
			return true
		}
	}
	return false
}

// severalLeases returns the live leases of a client that has three prefixes
// and an address.
func severalLeases(t *testing.T, leases []lab.KeaLease) []lab.KeaLease {
	t.Helper()
	of := make(map[string][]lab.KeaLease)
	for _, l := range leases {
		if isLive(l) && int(l.Subnet) <= lab.KeaLinks {
			of[string(l.DUID)] = append(of[string(l.DUID)], l)
		}
	}
	for _, duid := range slices.Sorted(maps.Keys(of)) {
		if len(of[duid]) == 4 {
			return of[duid]
		}
	}
	t.Fatal("no client has four leases")
	return nil
}

// prefixes returns the keys of a map, sorted.
func prefixes[V any](m map[netip.Prefix]V) []netip.Prefix {
	return slices.SortedFunc(maps.Keys(m), netip.Prefix.Compare)
}
