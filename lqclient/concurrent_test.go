package lqclient

import (
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"leaseroute/lqclient/wire"
)

// several asks n queries at once on one connection and returns, for each, how
// many messages were delivered, and its error.
func several(t *testing.T, s Server, n int, script func(p *peer)) (delivered []int, errs []error) {
	t.Helper()
	ours, theirs := net.Pipe()
	conn := newConn(ours, s.withDefaults(), ourDUID, newNotes(testLog()))
	delivered, errs = make([]int, n), make([]error, n)
	var all, ends errgroup.Group
	ends.Go(func() error { _ = conn.Run(t.Context()); return nil })
	ends.Go(func() error { script(newPeer(t, theirs)); return nil })
	for i := range n {
		all.Go(func() error {
			_, errs[i] = conn.Do(t.Context(), byRelayID, func(Part) error {
				delivered[i]++
				return nil
			})
			return nil
		})
	}
	_ = all.Wait()
	conn.Close()
	_ = ends.Wait()
	return delivered, errs
}

func TestSeveralQueries(t *testing.T) {
	a := lease("2001:db8:8000::/56")
	concurrent := func(n int) Server {
		s := testServer()
		s.Concurrent = n
		return s
	}
	t.Run("C70 R51 interleaved answers are told apart", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			delivered, errs := several(t, concurrent(2), 2, func(p *peer) {
				one, two := p.must().id, p.must().id
				p.say(reply(two, a), reply(one, a), data(two, a), data(one, a), data(two, a), done(one), done(two))
			})
			slices.Sort(delivered)
			if !slices.Equal(delivered, []int{2, 3}) || errs[0] != nil || errs[1] != nil {
				t.Errorf("delivered %v, errors %v; want 2 and 3 messages", delivered, errs)
			}
		})
	})
	t.Run("R51 by default the next query follows the answer to the last", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ready := make(chan struct{})
			_, errs := several(t, concurrent(0), 2, func(p *peer) {
				first := p.must().id
				second := make(chan wire.TransactionID)
				go func() { second <- p.must().id; close(ready) }()
				synctest.Wait()
				select {
				case <-second:
					t.Error("the second query came before the first was answered")
				default:
				}
				p.say(reply(first, a), done(first))
				p.say(reply(<-second))
			})
			<-ready
			if errors.Join(errs...) != nil {
				t.Error(errs)
			}
		})
	})
	t.Run("C54 R49 a query without an answer times out beside one that receives", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			delivered, errs := several(t, concurrent(2), 2, func(p *peer) {
				one, _ := p.must().id, p.must().id
				p.say(reply(one, a))
				for range 5 {
					time.Sleep(100 * time.Second)
					p.say(data(one, a))
				}
				p.say(done(one))
			})
			i := slices.Index(delivered, 0)
			if i < 0 || !errors.Is(errs[i], ErrTimeout) || errs[1-i] != nil || delivered[1-i] != 6 || time.Since(began) != 500*time.Second {
				t.Errorf("delivered %v, errors %v; want one of them to time out alone", delivered, errs)
			}
		})
	})
	t.Run("3.8 closing fails every other outstanding query", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, errs := several(t, concurrent(3), 3, func(p *peer) {
				one, two, _ := p.must().id, p.must().id, p.must().id
				p.say(reply(one, a), data(two, a))
				p.closed()
			})
			for _, err := range errs {
				if !isProtocol(err) {
					t.Errorf("error %v, want an incomplete answer for a protocol error", err)
				}
			}
		})
	})
	t.Run("C71 R1 outstanding queries have distinct transaction-ids", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const n = 200
			_, errs := several(t, concurrent(n), n, func(p *peer) {
				seen := make(map[wire.TransactionID]bool)
				for range n {
					seen[p.must().id] = true
				}
				if len(seen) != n {
					t.Errorf("%d different transaction-ids, want %d", len(seen), n)
				}
				for id := range seen {
					p.say(reply(id))
				}
			})
			if errors.Join(errs...) != nil {
				t.Error(errs)
			}
		})
	})
}
