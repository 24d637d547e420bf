//go:build linux

package interop

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/lqclient/wire"
)

func TestKeaIsDownWhenTheRouterBoots(t *testing.T) {
	t.Parallel()
	s := newSite(t, plain(300))
	d := s.daemon(t, setup{port: keaPort, extra: []string{"recovery: { give_up: 500ms }"}})
	d.Start(t)
	t.Run("R46 C51 it is tried again, at growing intervals, and said to be so", func(t *testing.T) {
		got := d.Wait(t, "the second failure", func(s control.Status) bool {
			return s.State == "degraded" && s.Servers[0].Counters["connect_failures"] >= 2 && s.Servers[0].State == "failed"
		})
		kea := got.Servers[0]
		t.Logf("%s: %s; next try %s", kea.State, kea.Error, kea.NextTry)
		if kea.NextTry == nil || !strings.Contains(kea.Error, "connection refused") {
			t.Errorf("server %+v", kea)
		}
	})
	t.Run("R129 the recovery ends once Kea is there", func(t *testing.T) {
		s.startKea(t)
		got := settled(t, d)
		s.exact(t)
		logRecovery(t, got)
	})
}

func TestKeaRefusesOurSource(t *testing.T) {
	t.Parallel()
	s := newSite(t, plain(300))
	ours := s.data.Config.Requesters
	s.data.Config.Requesters = []netip.Addr{netip.MustParseAddr("2001:db8:0:1::99")}
	must(t, s.kea.Configure(s.data.Config))
	s.startKea(t)
	d := s.daemon(t, setup{port: keaPort})
	d.Start(t)
	t.Run("PEERS 2 the error names both causes", func(t *testing.T) {
		got := d.Wait(t, "a refusal", func(s control.Status) bool {
			return s.Servers[0].Counters["refusals"] > 0 && s.Servers[0].State == "failed"
		})
		kea := got.Servers[0]
		t.Log(kea.Error)
		for _, words := range []string{"not among those that it lets ask", "limit of connections", "list of requesters", "key source"} {
			if !strings.Contains(kea.Error, words) {
				t.Errorf("the error says nothing of %q", words)
			}
		}
		if out, _, code := d.Run(t, "show", "servers"); code != 0 || !strings.Contains(out, "lets ask") {
			t.Errorf("show servers: exit %d\n%s", code, out)
		}
	})
	t.Run("R46 it recovers once Kea knows us", func(t *testing.T) {
		s.data.Config.Requesters = slices.Clone(ours)
		must(t, s.kea.Configure(s.data.Config))
		must(t, s.kea.Reload(t.Context()))
		settled(t, d)
		s.exact(t)
	})
}

func TestKeaHasNoConnectionLeft(t *testing.T) {
	t.Parallel()
	s := newSite(t, plain(50))
	s.data.Config.MaxConnections = 1
	must(t, s.kea.Configure(s.data.Config))
	s.startKea(t)
	other := s.connect(t)
	defer other.Close()
	d := s.daemon(t, setup{port: keaPort})
	d.Start(t)
	d.Wait(t, "a refusal", func(s control.Status) bool {
		return s.Servers[0].Counters["refusals"] > 0 && strings.Contains(s.Servers[0].Error, "limit of connections")
	})
	t.Run("R46 PEERS 2 it recovers once another requestor has gone", func(t *testing.T) {
		must(t, other.Close())
		settled(t, d)
		s.exact(t)
	})
}

// connect returns a connection that Kea serves: it has answered on it. One
// that was made while Kea still held an earlier one is cut off.
func (s *site) connect(t *testing.T) net.Conn {
	t.Helper()
	query := wire.Query{Type: wire.ByRelayID, RelayID: []byte{0, 3, 0, 1, 0xfe, 0xfe, 0xfe, 0, 0, 1}} // that nobody has
	message, err := query.Append(nil, wire.TransactionID{1}, s.data.RelayID, nil)
	must(t, err)
	frame, err := wire.AppendFrame(nil, message)
	must(t, err)
	for {
		conn, err := s.kea.Dial(t.Context(), s.Server)
		must(t, err)
		_, werr := conn.Write(frame)
		if _, err := conn.Read(make([]byte, 1)); err == nil && werr == nil {
			return conn
		}
		conn.Close()
	}
}
