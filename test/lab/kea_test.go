//go:build linux

package lab_test

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

// compareAddresses lets cmp look at what package netip keeps private.
var compareAddresses = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

// startKea starts a Kea with a dataset, and a requestor at the router.
func startKea(t *testing.T, clients int) (lab.KeaDataset, *lab.Kea, *lab.Edge) {
	t.Helper()
	e := labtest.NewEdge(t, lab.KeaLinks)
	tree, err := lab.FetchKea(t.Context(), t.Output())
	must(t, err)
	d := e.MixedLeases(clients, time.Now())
	k, err := e.NewKea(e.Server, tree, d.Config, d.Leases)
	must(t, err)
	must(t, k.Start(t.Context()))
	return d, k, e
}

func dial(t *testing.T, k *lab.Kea, from *lab.Namespace) *asker {
	t.Helper()
	conn, err := k.Dial(t.Context(), from)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return &asker{conn: conn}
}

// bulk asks with several queries and returns the delegated prefixes of all the
// answers.
func bulk(t *testing.T, a *asker, d lab.KeaDataset, query string) map[netip.Prefix]answer {
	t.Helper()
	found := make(map[netip.Prefix]answer)
	ask := func(kind byte, link netip.Addr, options []byte) {
		answers, status, err := a.ask(kind, link, options)
		must(t, err)
		if status != 0 {
			t.Fatalf("%s: status %d", query, status)
		}
		for _, b := range answers {
			if !b.prefix.IsSingleIP() {
				found[b.prefix] = b
			}
		}
	}
	switch query {
	case "relay-id":
		ask(byRelayID, netip.IPv6Unspecified(), option(53, d.RelayID))
	case "link-address":
		for _, link := range d.Links {
			ask(byLink, link, nil)
		}
	case "remote-id":
		for _, id := range d.RemoteIDs {
			ask(byRemoteID, netip.IPv6Unspecified(), option(37, id))
		}
	}
	return found
}

func TestKeaBulk(t *testing.T) {
	t.Parallel()
	d, k, e := startKea(t, 2500)
	if len(d.Live) < 2000 || len(d.Stale) < 100 {
		t.Fatalf("the dataset has %d live routes and %d stale leases, want 2000 and 100", len(d.Live), len(d.Stale))
	}
	lengths := make(map[int]bool)
	devs := make(map[string]bool)
	for _, r := range d.Live {
		lengths[r.Prefix.Bits()], devs[r.Dev] = true, true
	}
	if len(lengths) != 4 || len(devs) != lab.KeaLinks {
		t.Errorf("lengths %v on links %v, want four on two", lengths, devs)
	}
	for _, query := range []string{"relay-id", "link-address", "remote-id"} {
		t.Run("PEERS 2 fact 2: by "+query, func(t *testing.T) {
			found := bulk(t, dial(t, k, e.Router), d, query)
			for _, r := range d.Live {
				if _, ok := found[r.Prefix]; !ok {
					t.Errorf("live lease %s is not reported", r.Prefix)
				}
				delete(found, r.Prefix)
			}
			stale := 0
			for _, p := range d.Stale {
				if b, ok := found[p]; ok {
					stale++
					if !b.doubtful() {
						t.Errorf("stale lease %s: CLT_TIME %d, valid %d, which nobody can doubt", p, b.clt, b.valid)
					}
					delete(found, p)
				}
			}
			t.Logf("%d live, %d of %d stale, %d others that should not be there", len(d.Live), stale, len(d.Stale), len(found))
			for _, b := range found {
				if b.valid != 0 && !b.doubtful() {
					t.Errorf("%+v is neither live nor stale, and can't be told from a live one", b)
				}
			}
			if wanted := query != "link-address"; wanted != (stale > 0) {
				t.Errorf("%d stale leases are reported as live, want some: %t", stale, wanted)
			}
		})
	}
	t.Run("R42: by address, Kea denies every stale lease and no live one", func(t *testing.T) {
		a := dial(t, k, e.Router)
		for _, p := range d.Stale {
			found, status, err := a.ask(byAddress, netip.IPv6Unspecified(), option(optIAAddr, p.Addr().AsSlice(), make([]byte, 8)))
			must(t, err)
			if len(found) > 0 || status != 0 {
				t.Errorf("stale lease %s: %v, status %d", p, found, status)
			}
		}
		for _, r := range d.Live[:200] {
			found, status, err := a.ask(byAddress, netip.IPv6Unspecified(), option(optIAAddr, r.Prefix.Addr().AsSlice(), make([]byte, 8)))
			must(t, err)
			if len(found) != 1 || found[0].prefix != r.Prefix {
				t.Errorf("live lease %s: %v, status %d", r.Prefix, found, status)
			}
		}
	})
}

func TestKeaIsKilledRestartedAndReloaded(t *testing.T) {
	t.Parallel()
	d, k, e := startKea(t, 300)
	want := bulk(t, dial(t, k, e.Router), d, "link-address")
	same := func(after string) {
		t.Helper()
		got := bulk(t, dial(t, k, e.Router), d, "link-address")
		if !cmp.Equal(slices.SortedFunc(maps.Keys(got), netip.Prefix.Compare), slices.SortedFunc(maps.Keys(want), netip.Prefix.Compare), compareAddresses) {
			t.Errorf("after %s Kea reports %d bindings, before %d", after, len(got), len(want))
		}
	}
	k.Kill()
	if conn, err := k.Dial(t.Context(), e.Router); err == nil {
		conn.Close()
		t.Error("a killed Kea accepts a connection")
	}
	must(t, k.Start(t.Context()))
	same("kill and start")
	must(t, k.Reload(t.Context()))
	same("a reload")
	// The address is not one of the requesters: accepted, then cut off.
	d.Config.Requesters = []netip.Addr{netip.MustParseAddr("2001:db8:0:1::9")}
	must(t, k.Configure(d.Config))
	must(t, k.Reload(t.Context()))
	if _, _, err := dial(t, k, e.Router).ask(byLink, d.Links[0], nil); err == nil {
		t.Error("a reload did not change who may ask")
	}
	must(t, k.Stop(t.Context()))
}

func TestKeaKeepsTheLeasesThatItWasGiven(t *testing.T) {
	t.Parallel()
	d, k, _ := startKea(t, 300)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, k.Stop(ctx))
	want := slices.SortedFunc(slices.Values(d.Leases), func(a, b lab.KeaLease) int { return a.Prefix.Compare(b.Prefix) })
	got, err := k.Leases()
	must(t, err)
	if diff := cmp.Diff(want, got, compareAddresses, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("Leases (-want +got):\n%s", diff)
	}
}
