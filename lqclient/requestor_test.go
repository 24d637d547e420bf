package lqclient

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"leaseroute/lqclient/wire"
)

func TestRound(t *testing.T) {
	const p1, p2 = "2001:db8:8000::/56", "2001:db8:8000:100::/60"
	t.Run("C77 R60 a round that was answered in full is marked complete", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, always(holding(p1, p2)))
			synctest.Wait()
			x.want("begins 0", "held "+p1, "held "+p2, "complete 0")
			got := x.r.Status()
			if got.State != Complete || got.Rounds != 1 || got.Bindings != 2 || string(got.ServerDUID) != string(serverDUID) ||
				got.Error != nil || !got.LastComplete.Equal(time.Now()) || !got.Progress.Equal(time.Now()) {
				t.Errorf("status %+v", got)
			}
			x.stop()
		})
	})
	t.Run("C76 R60 C67 R55 a round that breaks off is marked incomplete, keeps its data and is repeated", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, func(n int, p *peer) {
				id := p.must().id
				p.say(reply(id, lease(p1)))
				if n > 0 {
					p.say(data(id, lease(p2)), done(id))
					p.closed()
				}
			})
			synctest.Wait()
			x.want("begins 0", "held "+p1, "incomplete 0")
			if got := x.r.Status(); got.State != Failed || !errors.Is(got.Error, ErrIncomplete) || got.NextTry.IsZero() {
				t.Errorf("status %+v, want failed", got)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			x.want("begins 0", "held "+p1, "held "+p2, "complete 0")
			if got := x.r.Status(); got.State != Complete || got.Error != nil || !got.NextTry.IsZero() || got.Bindings != 2 {
				t.Errorf("status %+v, want complete", got)
			}
			x.stop()
		})
	})
	t.Run("observations and progress are shown while an answer streams", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, func(_ int, p *peer) {
				id := p.must().id
				p.say(reply(id, lease(p1)))
				time.Sleep(time.Minute)
				p.say(data(id, lease(p2)))
				p.closed()
			})
			time.Sleep(30 * time.Second)
			synctest.Wait()
			x.want("begins 0", "held "+p1) // not held back while the server is slow
			if got := x.r.Status(); got.State != Querying || got.Bindings != 1 || time.Since(got.Progress) != 30*time.Second ||
				got.Query != fmt.Sprintf("relay-id %x", ourDUID) {
				t.Errorf("status %+v", got)
			}
			time.Sleep(31 * time.Second)
			synctest.Wait()
			if got := x.r.Status(); got.Bindings != 2 || time.Since(got.Progress) != time.Second {
				t.Errorf("status %+v", got)
			}
			x.stop()
		})
	})
	t.Run("C68 R54 a server that closes after each query costs no pause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			x := start(t, testServer(), chainOptions(), func(_ int, p *peer) {
				q := p.must()
				answer := holding()
				if q.kind == wire.ByRemoteID {
					answer = holding(p1)
				}
				p.say(answer(q)...)
			})
			synctest.Wait()
			x.want("begins 0", "held "+p1, "complete 0")
			if len(x.network.dials()) != 4 || !time.Now().Equal(began) {
				t.Errorf("%d connections in %s, want 4 at once", len(x.network.dials()), time.Since(began))
			}
			x.stop()
		})
	})
	t.Run("a server that refuses is named as such", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, func(_ int, p *peer) { p.must() })
			synctest.Wait()
			if got := x.r.Status(); got.State != Failed || !errors.Is(got.Error, ErrRefused) || got.Counters.Refusals != 1 {
				t.Errorf("status %+v, want refused", got)
			}
			x.stop()
		})
	})
	t.Run("R130 what happens with one server is nothing to another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			bad := start(t, testServer(), Options{}, func(_ int, p *peer) { p.must() })
			good := start(t, testServer(), Options{}, always(holding(p1)))
			time.Sleep(time.Hour)
			synctest.Wait()
			if got := good.r.Status(); got.State != Complete || got.Counters.RoundsBroken != 0 || len(good.network.dials()) != 1 {
				t.Errorf("the good server: %+v", got)
			}
			bad.stop()
			good.stop()
		})
	})
}

// within reports whether a pause is want with RAND (R19).
func within(got, want time.Duration) bool { return got >= want*9/10 && got <= want*11/10 }

func TestBackoff(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	seconds := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}
	check := func(t *testing.T, dials []time.Time) {
		t.Helper()
		for i, want := range seconds {
			if got := dials[i+1].Sub(dials[i]); !within(got, want*time.Second) {
				t.Errorf("pause %d is %s, want about %ds", i+1, got, want)
			}
		}
	}
	t.Run("C51 R46 pauses double up to a minute, for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t, nil)
			n.failing = func(int) error { return refused }
			x := startOn(t, testServer(), Options{}, n)
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			check(t, n.dials())
			got := x.r.Status()
			if got.State != Failed || !errors.Is(got.Error, syscall.ECONNREFUSED) || got.Counters.ConnectFailures != uint64(len(n.dials())) {
				t.Errorf("status %+v", got)
			}
			x.stop()
			x.want() // no connection: no round began
		})
	})
	t.Run("C51 a connection without a complete answer does not start over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, func(_ int, p *peer) {
				p.say(reply(p.must().id, lease("2001:db8:8000::/56")))
			})
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			check(t, x.network.dials())
			x.stop()
		})
	})
	t.Run("C51 a complete round starts over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), chainOptions(), func(n int, p *peer) {
				if q := p.must(); n == 6 {
					p.say(holding("2001:db8:8000::/56")(q)...)
				}
			})
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			x.r.Resync(nil)
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := x.network.dials()[8].Sub(x.network.dials()[7]); !within(got, time.Second) {
				t.Errorf("pause after a complete round is %s, want about 1s", got)
			}
			x.stop()
		})
	})
	t.Run("C51 a complete answer beside one that never is does not start over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), chainOptions(), func(_ int, p *peer) {
				p.say(holding()(p.must())...)
				p.say(reply(p.must().id, lease("2001:db8:8000::/56")))
			})
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			check(t, x.network.dials())
			x.stop()
		})
	})
	t.Run("C66 QueryTerminated waits ten seconds at least", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, func(n int, p *peer) {
				id := p.must().id
				if n == 0 {
					p.say(reply(id, lease("2001:db8:8000::/56")), done(id, status(queryTerminated)))
					return
				}
				p.say(holding("2001:db8:8000::/56")(question{id: id})...)
				p.closed()
			})
			time.Sleep(time.Minute)
			synctest.Wait()
			if d := x.network.dials(); len(d) != 2 || d[1].Sub(d[0]) < terminatedPause {
				t.Errorf("connections at %v, want two with 10s between", d)
			}
			x.want("begins 0", "held 2001:db8:8000::/56", "incomplete 0", "begins 0", "held 2001:db8:8000::/56", "complete 0")
			x.stop()
		})
	})
	t.Run("3.6 UnspecFail is tried again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{}, func(n int, p *peer) {
				if n == 0 {
					p.say(reply(p.must().id, status(unspecFail)))
					return
				}
				p.say(holding("2001:db8:8000::/56")(p.must())...)
				p.closed()
			})
			time.Sleep(2 * time.Second)
			synctest.Wait()
			x.want("begins 0", "incomplete 0", "begins 0", "held 2001:db8:8000::/56", "complete 0")
			x.stop()
		})
	})
	t.Run("a round that is asked for does not wait for the pause to end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t, nil)
			n.failing = func(int) error { return refused }
			x := startOn(t, testServer(), Options{}, n)
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			before := len(n.dials())
			x.r.Resync(twoLinks()) // included in the round that is due anyway
			synctest.Wait()
			if len(n.dials()) != before {
				t.Error("a link cut the pause short")
			}
			x.r.Resync(nil)
			synctest.Wait()
			if len(n.dials()) != before+1 {
				t.Error("a round about all waited")
			}
			x.stop()
		})
	})
}

func TestSourceAddress(t *testing.T) {
	t.Run("DESIGN 5 a source address that is not there yet costs no retry", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := testServer()
			s.Source = netip.MustParseAddr("2001:db8::2")
			n := newNetwork(t, always(holding("2001:db8:8000::/56")))
			n.failing = func(i int) error {
				if i < 90 {
					return &net.OpError{Op: "dial", Err: os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)}
				}
				return nil
			}
			x := startOn(t, s, Options{}, n)
			time.Sleep(89*time.Second + time.Millisecond)
			synctest.Wait()
			got := x.r.Status()
			if got.State != Connecting || !errors.Is(got.Error, errNoSource) || got.Counters.ConnectFailures != 0 ||
				got.Counters.SourceWaits != 90 || got.Counters.RoundsBroken != 0 {
				t.Errorf("status %+v, want it to wait", got)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			x.want("begins 0", "held 2001:db8:8000::/56", "complete 0")
			x.stop()
		})
	})
}

func TestDefaultDataTimeout(t *testing.T) {
	s := testServer()
	s.DataTimeout = 0
	if got := New(s, Options{}).server.DataTimeout; got != 300*time.Second {
		t.Errorf("C55: the data timeout is %s by default, want 300s", got)
	}
}

func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		x := start(t, testServer(), Options{Links: twoLinks, Jitter: time.Hour}, always(holding()))
		synctest.Wait()
		if got := x.r.Status(); got.State != Idle {
			t.Errorf("state %s before the first round, want idle", got.State)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(x.network.dials()) != 1 || x.network.dials()[0].Sub(began) >= time.Hour {
			t.Errorf("connections at %v, want one within the jitter", x.network.dials())
		}
		x.r.Resync(nil) // no jitter later on
		synctest.Wait()
		if len(x.network.dials()) != 2 {
			t.Error("a later round waited")
		}
		x.stop()
	})
}
