package lqclient

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// suspects is a table's list of doubts: what was answered is off the list.
type suspects struct {
	mu   sync.Mutex
	keys []binding.Key
	err  error
}

func (s *suspects) list(context.Context, binding.Server) ([]binding.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := s.keys
	s.keys = nil
	return keys, s.err
}

func (s *suspects) add(prefixes ...string) *suspects {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range prefixes {
		s.keys = append(s.keys, delegated(p))
	}
	return s
}

func TestSuspects(t *testing.T) {
	const live, gone = "2001:db8:8000::/56", "2001:db8:8000:100::/56"
	addressOf := func(p string) netip.Addr { return netip.MustParsePrefix(p).Addr() }
	// about answers questions by address in one way, all others in full.
	about := func(answer func(q question) [][]byte) func(int, *peer) {
		return always(func(q question) [][]byte {
			if q.kind == wire.ByAddress {
				return answer(q)
			}
			return holding(live)(q)
		})
	}
	tests := []struct {
		name    string
		answer  func(q question) [][]byte
		event   string
		counter string
	}{
		{"R60 a suspect that is held is confirmed", holding(gone), "held " + gone, "suspects_held"},
		{"R42 a suspect that nobody holds is denied", holding(), "denied " + gone, "suspects_denied"},
		{"R42 C46 NotConfigured proves nothing", refusing(notConfigured), "no answer " + gone, "suspects_no_answer"},
		{"UnspecFail proves nothing", refusing(unspecFail), "no answer " + gone, "suspects_no_answer"},
		{"R88 a suspect that is withdrawn", func(q question) [][]byte {
			return list(reply(q.id, clientData(clientID(cpeDUID), clt(1), prefix(gone, 0, 0))), done(q.id))
		}, "withdrawn " + gone, "suspects_held"},
		{"R35 an answer of which nothing can be used proves nothing", func(q question) [][]byte {
			return list(reply(q.id, clientData(clientID(cpeDUID), prefix(gone, 60, 120))), done(q.id))
		}, "no answer " + gone, "suspects_no_answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := start(t, testServer(), Options{Suspects: new(suspects).add(gone).list}, about(tt.answer))
				synctest.Wait()
				x.want("begins 0", "held "+live, "complete 0", tt.event)
				o := x.last()
				if o.Source != binding.FromLookup || o.Server != 1 || !o.CLT.Before(time.Now().Add(time.Nanosecond)) || o.CLT.IsZero() {
					t.Errorf("observation %+v", o)
				}
				if got := x.r.Status(); counter(t, got.Counters, tt.counter) != 1 || got.State != Complete || len(x.network.dials()) != 1 {
					t.Errorf("status %+v, %d connections", got, len(x.network.dials()))
				}
				x.stop()
			})
		})
	}
	t.Run("R42 another delegation in its place denies a suspect", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{Suspects: new(suspects).add(gone).list}, about(holding("2001:db8:8000:100::/60")))
			synctest.Wait()
			x.want("begins 0", "held "+live, "complete 0", "held 2001:db8:8000:100::/60", "denied "+gone)
			x.stop()
		})
	})
	const other = "2001:db8:9000::/56"
	for _, tt := range []struct {
		name   string
		answer func(q question) [][]byte
		events []string
	}{
		{"R42 PEERS 2 an answer about another delegation elsewhere denies a suspect", holding(other), []string{"held " + other, "denied " + gone}},
		{"R37 unless a part of it can't be read", func(q question) [][]byte {
			return list(reply(q.id, clientData(clientID(cpeDUID), clt(1), prefix(other, 60, 120), prefix("::/0", 60, 120))), done(q.id))
		}, []string{"held " + other, "no answer " + gone}},
		{"R42 an answer about an address at the same place proves nothing", func(q question) [][]byte {
			return list(reply(q.id, clientData(clientID(cpeDUID), clt(1), address("2001:db8:8000:100::", 60, 120))), done(q.id))
		}, []string{"held 2001:db8:8000:100::/128", "no answer " + gone}},
		{"R42 an answer about an address elsewhere proves nothing", func(q question) [][]byte {
			return list(reply(q.id, clientData(clientID(cpeDUID), clt(1), address("2001:db8:1::1", 60, 120))), done(q.id))
		}, []string{"held 2001:db8:1::1/128", "no answer " + gone}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := start(t, testServer(), Options{Suspects: new(suspects).add(gone).list}, about(tt.answer))
				synctest.Wait()
				x.want(append([]string{"begins 0", "held " + live, "complete 0"}, tt.events...)...)
				x.stop()
			})
		})
	}
	t.Run("R42 a denial is as of when the question was sent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{Suspects: new(suspects).add(gone).list}, about(func(q question) [][]byte {
				time.Sleep(time.Minute)
				return holding()(q)
			}))
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			if o := x.last(); o.Statement != binding.Denied || o.Received.Sub(o.CLT) != time.Minute {
				t.Errorf("denied as of %s, received %s; want a minute between", o.CLT, o.Received)
			}
			x.stop()
		})
	})
	t.Run("PEERS 2 questions keep to the pace, one at a time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := testServer()
			s.SuspectRate = 200
			var list suspects
			for i := range 1001 {
				list.add(netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0x80, 0, byte(i >> 8), byte(i)}), 64).String())
			}
			began := time.Now()
			var last time.Time
			x := start(t, s, Options{Suspects: list.list}, about(func(q question) [][]byte {
				last = time.Now()
				return holding()(q)
			}))
			time.Sleep(time.Minute)
			synctest.Wait()
			took := last.Sub(began)
			if got := x.r.Status().Counters; got.SuspectsDenied != 1001 || took < 4990*time.Millisecond || took > 5010*time.Millisecond {
				t.Errorf("%d answers in %s, want 1001 in 5s", got.SuspectsDenied, took)
			}
			x.stop()
		})
	})
	t.Run("R60 a broken question leaves the round complete and is asked on a new connection", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			list := new(suspects).add(gone)
			x := start(t, testServer(), Options{Suspects: list.list}, func(n int, p *peer) {
				for {
					q, ok := p.query()
					switch {
					case !ok:
						return
					case q.kind != wire.ByAddress:
						p.say(holding(live)(q)...)
					case n < 2: // the first time counts as a close between queries
						return
					default:
						if q.address() != addressOf(gone) {
							t.Errorf("asked about %s", q.address())
						}
						p.say(holding()(q)...)
					}
				}
			})
			synctest.Wait()
			x.want("begins 0", "held "+live, "complete 0")
			if got := x.r.Status(); got.State != Complete || got.Error == nil || got.NextTry.IsZero() || got.Counters.RoundsBroken != 0 {
				t.Errorf("status %+v, want complete, with an error", got)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			x.want("denied " + gone)
			if got := x.r.Status(); got.State != Complete || got.Error != nil || !got.NextTry.IsZero() {
				t.Errorf("status %+v, want all well", got)
			}
			x.stop()
		})
	})
	t.Run("C44 a server that cannot be asked by address is not pestered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), Options{Suspects: new(suspects).add(gone, "2001:db8:8000:200::/56").list}, about(refusing(unknownQueryType)))
			synctest.Wait()
			x.want("begins 0", "held "+live, "complete 0", "no answer "+gone, "no answer 2001:db8:8000:200::/56")
			if got := x.r.Status().Counters; got.SuspectsAsked != 1 {
				t.Errorf("%d questions, want 1", got.SuspectsAsked)
			}
			x.stop()
		})
	})
	t.Run("a suspect that stays on the list is asked about once a round", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			stubborn := func(context.Context, binding.Server) ([]binding.Key, error) {
				return []binding.Key{delegated(gone)}, nil
			}
			x := start(t, testServer(), Options{Suspects: stubborn}, about(holding()))
			time.Sleep(time.Hour)
			synctest.Wait()
			x.want("begins 0", "held "+live, "complete 0", "denied "+gone)
			x.stop()
		})
	})
	t.Run("R60 a round that is asked for comes before the rest of the questions, of which none is lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const rest = "2001:db8:8000:200::/56"
			resync := make(chan func([]Link) uint64, 1)
			x := start(t, testServer(), Options{Suspects: new(suspects).add(gone, rest).list}, about(func(q question) [][]byte {
				if q.address() == addressOf(gone) {
					(<-resync)(nil) // while the first question is being answered
				}
				return holding()(q)
			}))
			resync <- x.r.Resync
			time.Sleep(time.Second)
			synctest.Wait()
			x.want("begins 0", "held "+live, "complete 0", "denied "+gone, "begins 0", "held "+live, "complete 0", "denied "+rest)
			x.stop()
		})
	})
	t.Run("R60 a question that breaks the connection every time holds up no other", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const rest = "2001:db8:8000:200::/56"
			x := start(t, testServer(), Options{Suspects: new(suspects).add(gone, rest).list}, func(_ int, p *peer) {
				for {
					q, ok := p.query()
					switch {
					case !ok, q.kind == wire.ByAddress && q.address() == addressOf(gone):
						return
					case q.kind == wire.ByAddress:
						p.say(holding()(q)...)
					default:
						p.say(holding(live)(q)...)
					}
				}
			})
			time.Sleep(time.Minute)
			synctest.Wait()
			x.want("begins 0", "held "+live, "complete 0", "denied "+rest)
			x.stop()
		})
	})
	t.Run("a list that cannot be had is asked for again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			busy := errors.New("busy")
			x := start(t, testServer(), Options{Suspects: (&suspects{err: busy}).list}, about(holding()))
			synctest.Wait()
			if got := x.r.Status(); got.State != Complete || !errors.Is(got.Error, busy) {
				t.Errorf("status %+v", got)
			}
			x.stop()
		})
	})
}
