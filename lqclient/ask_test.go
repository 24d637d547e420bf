package lqclient

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

func TestAsk(t *testing.T) {
	byAddress := wire.Query{Type: wire.ByAddress, Address: netip.MustParseAddr("2001:db8:8000::1")}
	t.Run("a lease with all that the server tells of it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t, always(func(q question) [][]byte {
				if q.address() != byAddress.Address {
					t.Errorf("asked about %s", q.address())
				}
				return list(reply(q.id, clientData(clientID(cpeDUID), prefix("2001:db8:8000::/56", 0xffffffff-90, 86400),
					clt(90), relayData("2001:db8:1::1", "fe80::1", "acc0"))), done(q.id))
			}))
			var got []Answered
			summary, err := ask(t.Context(), overTCP(n.dial, testServer(), ourDUID, byAddress), testServer(), byAddress, func(a Answered) error {
				got = append(got, a)
				return nil
			})
			must(t, err)
			want := []Answered{{
				Client: cpeDUID, ServerDUID: serverDUID, Key: delegated("2001:db8:8000::/56"),
				Received: time.Now(), Age: 90 * time.Second, Preferred: Infinite, Valid: 24 * time.Hour,
				Peer: netip.MustParseAddr("2001:db8::2"),
				Relays: []binding.Relay{{
					Link: netip.MustParseAddr("2001:db8:1::1"), Peer: netip.MustParseAddr("fe80::1"), InterfaceID: []byte("acc0"),
				}},
			}}
			if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})); diff != "" {
				t.Errorf("leases (-want +got)\n%s", diff)
			}
			if summary.Leases != 1 || summary.Messages != 1 || string(summary.ServerDUID) != string(serverDUID) {
				t.Errorf("summary %+v", summary)
			}
			n.wait()
		})
	})
	t.Run("C67 of an incomplete answer what came is handed over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t, func(_ int, p *peer) { p.say(reply(p.must().id, lease("2001:db8:8000::/56"))) })
			leases := 0
			summary, err := ask(t.Context(), overTCP(n.dial, testServer(), ourDUID, byAddress), testServer(), byAddress, func(Answered) error { leases++; return nil })
			if !errors.Is(err, ErrIncomplete) || leases != 1 || summary.Leases != 1 {
				t.Errorf("ask = %v with %d leases, want an incomplete answer with 1", err, leases)
			}
			n.wait()
		})
	})
	t.Run("the callback's error ends it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			enough := errors.New("enough")
			n := newNetwork(t, always(holding("2001:db8:8000::/56", "2001:db8:8000:100::/56")))
			_, err := ask(t.Context(), overTCP(n.dial, testServer(), ourDUID, byAddress), testServer(), byAddress, func(Answered) error { return enough })
			if !errors.Is(err, enough) {
				t.Errorf("ask = %v, want the callback's error", err)
			}
			n.wait()
		})
	})
	t.Run("a query that makes no sense costs no connection", func(t *testing.T) {
		if _, err := ask(t.Context(), nil, testServer(), wire.Query{Type: wire.ByLinkAddress}, nil); err == nil {
			t.Error("no error")
		}
	})
}
