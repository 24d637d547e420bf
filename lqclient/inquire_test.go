package lqclient

import (
	"testing"
	"testing/synctest"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

func TestInquiries(t *testing.T) {
	const known, learnt = "2001:db8:8000::/56", "2001:db8:8000:100::/56"
	byClient := func(answer func(q question) [][]byte) func(int, *peer) {
		return always(func(q question) [][]byte {
			if q.kind == wire.ByClientID {
				return answer(q)
			}
			return holding(known)(q)
		})
	}
	t.Run("a client is asked about once, on one connection, and its leases are learnt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, byClient(holding(learnt)))
			synctest.Wait()
			x.r.Inquire(cpeDUID)
			x.r.Inquire(cpeDUID)
			synctest.Wait()
			x.want("begins 0", "held "+known, "complete 0", "held "+learnt)
			if o := x.last(); o.Source != binding.FromLookup {
				t.Errorf("source %v, want lookup", o.Source)
			}
			if n := counter(t, x.r.Status().Counters, "clients_asked"); n != 1 {
				t.Errorf("%d questions, want 1", n)
			}
		})
	})
	t.Run("a server that does not know the query type is not asked again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, byClient(refusing(unknownQueryType)))
			synctest.Wait()
			for range 3 {
				x.r.Inquire(cpeDUID)
				synctest.Wait()
			}
			if n := counter(t, x.r.Status().Counters, "clients_asked"); n != 1 {
				t.Errorf("%d questions, want 1", n)
			}
		})
	})
	t.Run("no more than a bound wait", func(t *testing.T) {
		var i inquiries
		for n := range maxInquiries {
			if !i.add(string([]byte{0, 3, byte(n >> 8), byte(n)})) {
				t.Fatalf("no room for client %d", n)
			}
		}
		if i.add("another") || !i.add(string([]byte{0, 3, 0, 0})) {
			t.Error("one too many was taken, or one that waits already was refused")
		}
	})
}
