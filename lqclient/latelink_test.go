package lqclient

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"leaseroute/lqclient/wire"
)

func TestLateLink(t *testing.T) {
	const p1 = "2001:db8:8000::/56"
	answers := perKind{wire.ByRelayID: holding(), wire.ByLinkAddress: holding(p1)}
	t.Run("C78 without a link to ask for, an empty answer by relay-id proves nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var links []Link
			x := start(t, testServer(), Options{Links: func() []Link { return links }}, always(answers.answer))
			synctest.Wait()
			x.want("begins 0", "incomplete 0")
			if got := x.r.Status(); got.State != Failed || !errors.Is(got.Error, errNoLinks) {
				t.Errorf("state %s, error %v; want failed for want of a link", got.State, got.Error)
			}
			links = twoLinks()[:1]
			x.r.Resync(links)
			synctest.Wait()
			x.want("begins 0", "held "+p1, "complete 0")
			if got := x.r.Status(); got.State != Complete || got.Rounds != 1 {
				t.Errorf("state %s after %d rounds; want a complete one about all", got.State, got.Rounds)
			}
			x.stop()
		})
	})
	t.Run("C78 it is tried again without being told", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			links := func() []Link {
				if time.Since(began) < time.Second {
					return nil
				}
				return twoLinks()
			}
			x := start(t, testServer(), Options{Links: links}, always(answers.answer))
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			if got := x.r.Status(); got.State != Complete {
				t.Errorf("state %s, error %v; want complete", got.State, got.Error)
			}
			x.stop()
		})
	})
	t.Run("C78 a relay-id that yields needs no link", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, always(holding(p1)))
			synctest.Wait()
			x.want("begins 0", "held "+p1, "complete 0")
			x.stop()
		})
	})
	t.Run("C78 nothing by relay-id is all, where nothing else is to be asked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := testServer()
			s.Queries = []wire.QueryType{wire.ByRelayID}
			x := start(t, s, Options{}, always(holding()))
			synctest.Wait()
			x.want("begins 0", "complete 0")
			x.stop()
		})
	})
}
