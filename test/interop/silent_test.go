//go:build linux

package interop

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"leaseroute/agent/control"
)

// TestKeaIsSilentOverUDP has a Kea whose list of requesters lacks us: over UDP
// it says nothing at all (PEERS.md 2, fact 12).
func TestKeaIsSilentOverUDP(t *testing.T) {
	t.Parallel()
	s := newSite(t, plain(60))
	ours := s.data.Config.Requesters
	s.data.Config.Requesters = []netip.Addr{netip.MustParseAddr("2001:db8:0:1::99")}
	must(t, s.kea.Configure(s.data.Config))
	s.startKea(t)
	d := s.daemon(t, setup{port: keaPort, server: []string{"bulk: false"}})
	d.Start(t)
	d.Recovered(t)
	before := s.datagrams(t)
	first := make(chan control.Lookup, 1)
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() {
		var l control.Lookup
		if err := d.Client().Post(t.Context(), "/v1/lookup", url.Values{"address": {s.data.Live[0].Prefix.Addr().String()}}, &l); err != nil {
			t.Error(err)
		}
		first <- l
	})
	silent := d.Wait(t, "the silence to be noticed", func(now control.Status) bool { return now.Servers[0].Lookup == "silent" })
	if out, _, code := d.Run(t, "show", "servers"); code != 0 || !strings.Contains(out, "silent") {
		t.Errorf("show servers: exit %d\n%s", code, out)
	}
	t.Run("R21 R24 Kea is polled, whatever is asked about", func(t *testing.T) {
		// The first packet may be the poll; what follows is not sent.
		for _, r := range s.data.Live[1:] {
			s.coreSends(t, r)
		}
		now := d.Wait(t, "packets to be counted", func(now control.Status) bool {
			return now.Counters["not_hammered"] > silent.Counters["not_hammered"]+10
		})
		if sent, most := s.datagrams(t)-before, 2*5; sent == 0 || sent > most {
			t.Errorf("Kea got %d datagrams, want %d at most: a lookup's and a poll's", sent, most)
		}
		t.Logf("%d lookups wanted, %d not sent, %d datagrams", now.Counters["on_demand_lookups"], now.Counters["not_hammered"], s.datagrams(t)-before)
	})
	t.Run("PEERS 2 lookup says what to look at", func(t *testing.T) {
		stdout, stderr, code := d.Run(t, "lookup", s.data.Live[20].Prefix.Addr().String())
		t.Log("\n" + stdout)
		for _, words := range []string{"does it do leasequery", "is our address among those that it lets ask"} {
			if code != 1 || !strings.Contains(stderr, "no server answered") || !strings.Contains(stdout, words) {
				t.Errorf("exit %d, without %q: %s", code, words, stderr)
			}
		}
	})
	t.Run("R21 R24 once Kea knows us, a retransmission and the next poll find out", func(t *testing.T) {
		s.data.Config.Requesters = slices.Clone(ours)
		must(t, s.kea.Configure(s.data.Config))
		must(t, s.kea.Reload(t.Context()))
		if l := <-first; len(l.Replies) != 1 || l.Replies[0].Said != "held" {
			t.Errorf("%+v", l)
		}
		d.Wait(t, "the server to be ready", func(now control.Status) bool { return now.Servers[0].Lookup == "ready" })
	})
}
