package lqclient

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"leaseroute/lqclient/wire"
)

func TestResync(t *testing.T) {
	const p1 = "2001:db8:8000::/56"
	t.Run("a round about links is marked link by link", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var asked asked
			answer := perKind{wire.ByRelayID: holding(), wire.ByLinkAddress: holding(p1)}
			x := start(t, testServer(), chainOptions(), always(asked.by(answer.answer)))
			synctest.Wait()
			x.want("begins 0", "held "+p1, "held "+p1, "complete 0")
			asked.want(t, "relay-id", "link-address 2001:db8:1::1", "link-address 2001:db8:2::1")
			more := Link{netip.MustParseAddr("2001:db8:11::1"), 1} // a second address of interface 1
			x.r.Resync(append(twoLinks(), more, more))
			synctest.Wait()
			x.want("begins 1", "held "+p1, "held "+p1, "complete 1", "begins 2", "held "+p1, "complete 2")
			asked.want(t,
				"relay-id 2001:db8:1::1", "relay-id 2001:db8:11::1", "link-address 2001:db8:1::1", "link-address 2001:db8:11::1",
				"relay-id 2001:db8:2::1", "link-address 2001:db8:2::1")
			if got := x.r.Status(); got.Rounds != 1 || got.Counters.RoundsComplete != 2 || got.Bindings != 2 {
				t.Errorf("rounds %d, %d in all, %d bindings; want 1 about all with 2 bindings, 2 in all",
					got.Rounds, got.Counters.RoundsComplete, got.Bindings)
			}
			x.stop()
		})
	})
	t.Run("a link that the server does not know is no failure", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, always(func(q question) [][]byte {
				if q.link.IsUnspecified() {
					return holding(p1)(q)
				}
				return refusing(notConfigured)(q)
			}))
			synctest.Wait()
			x.want("begins 0", "held "+p1, "complete 0")
			x.r.Resync(twoLinks()[:1])
			synctest.Wait()
			x.want("begins 1", "incomplete 1")
			if got := x.r.Status(); got.State != Complete || got.Error != nil {
				t.Errorf("state %s, error %v; want complete", got.State, got.Error)
			}
			x.stop()
		})
	})
	t.Run("what is asked for during a round becomes one more, and all includes a link", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, always(func(q question) [][]byte {
				time.Sleep(time.Minute)
				return holding(p1)(q)
			}))
			time.Sleep(time.Second)
			synctest.Wait()
			var last uint64
			for range 3 {
				x.r.Resync(twoLinks())
				last = x.r.Resync(nil)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := x.r.Status(); got.Rounds != 1 || got.Served >= last {
				t.Errorf("%d rounds, served up to %d: the round under way does not meet request %d", got.Rounds, got.Served, last)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			x.want("begins 0", "held "+p1, "complete 0", "begins 0", "held "+p1, "complete 0")
			if got := x.r.Status(); got.Rounds != 2 || got.Served != last {
				t.Errorf("%d rounds, served up to %d, want 2 and %d", got.Rounds, got.Served, last)
			}
			x.stop()
		})
	})
	t.Run("a link whose interface is unknown gets no mark, which would speak for all", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, always(holding(p1)))
			synctest.Wait()
			x.want("begins 0", "held "+p1, "complete 0")
			x.r.Resync([]Link{{Address: netip.MustParseAddr("2001:db8:1::1")}})
			synctest.Wait()
			x.want("held " + p1)
			x.stop()
		})
	})
	t.Run("R60 suspects can be asked about without a round", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			list := new(suspects)
			x := start(t, testServer(), Options{Suspects: list.list}, always(holding(p1)))
			synctest.Wait()
			x.want("begins 0", "held "+p1, "complete 0")
			x.r.Settle()
			synctest.Wait()
			if n := len(x.network.dials()); n != 1 {
				t.Errorf("%d connections without suspects, want 1", n)
			}
			list.add(p1)
			x.r.Settle()
			synctest.Wait()
			x.want("held " + p1)
			x.stop()
		})
	})
}
