package lqclient

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

func TestRetransmission(t *testing.T) {
	t.Run("C21 C22 C25 R19 R20 the waits double, up to ten seconds, each with a random part of its own", func(t *testing.T) {
		distinct := make(map[float64]bool)
		for range 1000 {
			var rt retransmission
			previous := rt.next()
			if previous < 900*time.Millisecond || previous > 1100*time.Millisecond {
				t.Fatalf("first wait %s", previous)
			}
			for range lqMaxRC - 1 {
				next := rt.next()
				low, high := previous*19/10, previous*21/10
				if high > lqMaxRT {
					low, high = min(low, lqMaxRT*9/10), max(lqMaxRT*11/10, 0)
				}
				if next < low || next > high {
					t.Fatalf("wait %s after %s", next, previous)
				}
				distinct[float64(next)/float64(previous)] = true
				previous = next
			}
		}
		if len(distinct) < 1000 {
			t.Errorf("%d different ratios of 4000 waits: the random part is not drawn anew", len(distinct))
		}
	})
	t.Run("C23 C24 C26 R21 R22 R23 five transmissions of the same octets, then failure", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), dead)
			began := time.Now()
			r := x.r.Lookup(t.Context(), target)
			took := time.Since(began)
			if !errors.Is(r.Err, ErrTimeout) || took < 21030*time.Millisecond || took > 30270*time.Millisecond {
				t.Errorf("failed after %s: %v", took, r.Err)
			}
			sent := x.ether.transmissions()
			if len(sent) != 5 {
				t.Fatalf("%d transmissions", len(sent))
			}
			for _, s := range sent {
				if !bytes.Equal(s.data, sent[0].data) || s.peer != testServer().Address {
					t.Errorf("%x to %s, the first one %x", s.data, s.peer, sent[0].data)
				}
			}
			x.want()
		})
	})
	t.Run("R23 an answer to a repeated query counts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), func(n int, q question) [][]byte {
				if n < 2 {
					return nil
				}
				return found(q)
			})
			if r := x.r.Lookup(t.Context(), target); r.Err != nil || len(r.Leases) != 1 {
				t.Errorf("reply %+v", r)
			}
			x.want("held 2001:db8:8000::/56")
			if n := counter(t, x.r.Status().Counters, "retransmissions"); n != 2 {
				t.Errorf("%d retransmissions", n)
			}
		})
	})
}

// TestDropped: what is no valid reply is dropped, counted, and does not stop
// the timer (R31): the next transmission is answered.
func TestDropped(t *testing.T) {
	tests := []struct {
		name, counter string
		answer        func(q question) []byte
	}{
		{"C27 R27 R31 without server-id", "no_server_id", func(q question) []byte {
			return message(wire.LeaseQueryReply, q.id, clientID(ourDUID), lease("2001:db8:8000::/56"))
		}},
		{"C28 R28 without client-id", "wrong_client_id", func(q question) []byte {
			return message(wire.LeaseQueryReply, q.id, serverID(serverDUID), lease("2001:db8:8000::/56"))
		}},
		{"C28 R28 with another client-id", "wrong_client_id", func(q question) []byte {
			return message(wire.LeaseQueryReply, q.id, clientID(cpeDUID), serverID(serverDUID))
		}},
		{"C29 R29 of another transaction", "", func(q question) []byte {
			q.id[0] ^= 1
			return found(q)[0]
		}},
		{"C31 R18 a query", "queries_received", func(q question) []byte {
			return message(wire.LeaseQuery, q.id, clientID(ourDUID), serverID(serverDUID))
		}},
		{"R18 of another type", "illegal_types", func(q question) []byte {
			return message(wire.LeaseQueryData, q.id, clientID(ourDUID), serverID(serverDUID))
		}},
		{"C17 R33 with an option cut off", "malformed_messages", func(q question) []byte {
			return append(found(q)[0], 0, 13, 0, 9)
		}},
		{"too short for a message", "", func(question) []byte { return []byte{15} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := lookUp(t, testServer(), func(n int, q question) [][]byte {
					if n == 0 {
						return list(tt.answer(q))
					}
					return found(q)
				})
				if r := x.r.Lookup(t.Context(), target); r.Err != nil || len(r.Leases) != 1 {
					t.Errorf("reply %+v", r)
				}
				x.want("held 2001:db8:8000::/56")
				if n := len(x.ether.transmissions()); n != 2 {
					t.Errorf("%d transmissions, want 2", n)
				}
				if tt.counter != "" && counter(t, x.r.Status().Counters, tt.counter) != 1 {
					t.Errorf("%s is not 1", tt.counter)
				}
			})
		})
	}
	t.Run("C30 R17 from a stranger's address", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), each(found))
			x.ether.from = netip.MustParseAddrPort("[2001:db8::bad]:547")
			if r := x.r.Lookup(t.Context(), target); !errors.Is(r.Err, ErrTimeout) {
				t.Errorf("reply %+v", r)
			}
			x.want()
			if c := x.port.Counters(); c.Strangers != 5 {
				t.Errorf("counters %+v", c)
			}
		})
	})
	t.Run("of another server than the configured one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := testServer()
			s.DUID = []byte{0, 3, 0, 1, 9}
			x := lookUp(t, s, each(found))
			if r := x.r.Lookup(t.Context(), target); !errors.Is(r.Err, ErrTimeout) {
				t.Errorf("reply %+v", r)
			}
			x.want()
		})
	})
	t.Run("a second copy of an answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), once(func(q question) [][]byte { return append(found(q), found(q)...) }))
			_ = x.r.Lookup(t.Context(), target)
			x.want("held 2001:db8:8000::/56")
		})
	})
}

func TestReplies(t *testing.T) {
	absolute := func(q question) [][]byte {
		return list(reply(q.id, clientData(clientID(cpeDUID), address("2001:db8:1::7", 1800, 3600),
			clt(uint32(time.Now().Add(-600*time.Second).Unix())))))
	}
	t.Run("R39 R42 a lease is handed on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), each(found))
			r := x.r.Lookup(t.Context(), x.held())
			if r.Err != nil || r.Denies() || string(r.Leases[0].Client) != string(cpeDUID) {
				t.Errorf("reply %+v", r)
			}
			x.want("held 2001:db8:8000::/56")
			if o := x.last(); o.Source != binding.FromLookup {
				t.Errorf("source %v", o.Source)
			}
		})
	})
	t.Run("R43 several client data are all used", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), each(func(q question) [][]byte {
				return list(reply(q.id, lease("2001:db8:8000::/56"), lease("2001:db8:8000:100::/56")))
			}))
			_ = x.r.Lookup(t.Context(), target)
			x.want("held 2001:db8:8000::/56", "held 2001:db8:8000:100::/56")
		})
	})
	t.Run("R42 nothing there ends what the server said before, and only that", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), each(nothing))
			if r := x.r.Lookup(t.Context(), x.held()); !r.Denies() {
				t.Errorf("reply %+v", r)
			}
			x.want("denied 2001:db8:8000::/56")
			if r := x.r.Lookup(t.Context(), target); !r.Denies() {
				t.Errorf("reply %+v", r)
			}
			x.want()
		})
	})
	t.Run("C13 relay data at message level counts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), each(func(q question) [][]byte {
				return list(reply(q.id, lease("2001:db8:8000::/56"), relayData("2001:db8:1::1", "fe80::7", "acc0")))
			}))
			_ = x.r.Lookup(t.Context(), target)
			if n := counter(t, x.r.Status().Counters, "no_relay_data"); n != 0 {
				t.Error("the relay data was not seen")
			}
		})
	})
	t.Run("a CLT_TIME that is a date counts from then, with the lifetimes as granted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), each(absolute))
			time.Sleep(26 * 365 * 24 * time.Hour) // a bubble begins in 2000
			_ = x.r.Lookup(t.Context(), target)
			o, now := x.last(), time.Now()
			if age, left := now.Sub(o.CLT), o.ValidUntil.Sub(now); age != 600*time.Second || left != 3000*time.Second {
				t.Errorf("age %s, %s left", age, left)
			}
			if n := counter(t, x.r.Status().Counters, "absolute_times"); n != 1 {
				t.Errorf("%d counted", n)
			}
		})
	})
	for _, tt := range []struct {
		name  string
		code  uint16
		again bool // asked again at once
	}{
		{"C44 R44 UnknownQueryType is remembered", unknownQueryType, false},
		{"C45 R44 MalformedQuery is not repeated", malformedQuery, false},
		{"C46 R44 NotAllowed is remembered", notAllowed, false},
		{"C46 R44 NotConfigured proves nothing", notConfigured, true},
		{"R44 UnspecFail proves nothing", unspecFail, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := lookUp(t, testServer(), each(refusing(tt.code)))
				for range 2 {
					var status *StatusError
					if r := x.r.Lookup(t.Context(), x.held()); !errors.As(r.Err, &status) || status.Code != iana.StatusCode(tt.code) {
						t.Errorf("reply %+v", r)
					}
				}
				x.want()
				if again := len(x.ether.transmissions()) == 2; again != tt.again {
					t.Errorf("asked again: %t", again)
				}
			})
		})
	}
}

func TestClientLinks(t *testing.T) {
	// perLink answers a question about no link with links, one about a link
	// with a lease of its own.
	perLink := func(links ...string) func(int, question) [][]byte {
		return func(n int, q question) [][]byte {
			if q.link.IsUnspecified() {
				return list(reply(q.id, linkOf(links...)))
			}
			return list(reply(q.id, lease(fmt.Sprintf("2001:db8:8000:%x00::/56", n))))
		}
	}
	t.Run("C37 R40 each link is asked about once, as it is named", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), perLink("2001:db8:1::", "::", "2001:db8:2::", "2001:db8:1::"))
			if r := x.r.Lookup(t.Context(), Target{Client: string(cpeDUID)}); r.Err != nil || len(r.Leases) != 2 {
				t.Errorf("reply %+v", r)
			}
			x.want("held 2001:db8:8000:100::/56", "held 2001:db8:8000:200::/56")
			var asked []string
			for _, s := range x.ether.transmissions() {
				asked = append(asked, readQuestion(t, s.data).link.String())
			}
			if fmt.Sprint(asked) != "[:: 2001:db8:1:: 2001:db8:2::]" {
				t.Errorf("asked about links %s", asked)
			}
		})
	})
	t.Run("C38 R40 links in answer to a question about one are an error", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), each(func(q question) [][]byte { return list(reply(q.id, linkOf("2001:db8:1::"))) }))
			if r := x.r.Lookup(t.Context(), target); !errors.Is(r.Err, ErrClientLink) || !errors.Is(r.Err, ErrIncomplete) {
				t.Errorf("reply %+v", r)
			}
			if n := len(x.ether.transmissions()); n != 2 {
				t.Errorf("%d transmissions, want 2", n)
			}
		})
	})
	t.Run("C39 R41 client data beside links is ignored", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), func(n int, q question) [][]byte {
				if n == 0 {
					return list(reply(q.id, linkOf("2001:db8:1::"), lease("2001:db8:8000::/56")))
				}
				return list(reply(q.id, lease("2001:db8:8000:100::/56")))
			})
			_ = x.r.Lookup(t.Context(), target)
			x.want("held 2001:db8:8000:100::/56")
		})
	})
	t.Run("R40 no more than 64 links", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var links []string
			for n := range 70 {
				links = append(links, fmt.Sprintf("2001:db8:1:%x::", n))
			}
			s := testServer()
			s.LookupRate = 1000
			x := lookUp(t, s, perLink(links...))
			_ = x.r.Lookup(t.Context(), target)
			if n := len(x.ether.transmissions()); n != 65 {
				t.Errorf("%d transmissions, want 65", n)
			}
			if n := counter(t, x.r.Status().Counters, "client_links_dropped"); n != 1 {
				t.Errorf("%d counted", n)
			}
		})
	})
	t.Run("C11 a malformed list of links proves nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), each(func(q question) [][]byte { return list(reply(q.id, option(48, make([]byte, 15)))) }))
			if r := x.r.Lookup(t.Context(), x.held()); !errors.Is(r.Err, wire.ErrMalformed) {
				t.Errorf("reply %+v", r)
			}
			x.want()
		})
	})
}

func TestUDPAsker(t *testing.T) {
	t.Run("C33 R7 what only TCP may ask is never asked over UDP", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := lookUp(t, testServer(), each(found))
			for _, q := range []wire.Query{
				byRelayID,
				{Type: wire.ByLinkAddress, Link: netip.MustParseAddr("2001:db8:1::1")},
				{Type: wire.ByRemoteID, RemoteID: []byte{0, 0, 0, 9, 1}},
			} {
				if _, err := x.r.udp.ask(t.Context(), q, deliverFunc(func(Part) error { return nil })); err == nil {
					t.Errorf("a query by %s was asked", q.Type)
				}
			}
			if n := len(x.ether.transmissions()); n != 0 {
				t.Errorf("%d transmissions", n)
			}
		})
	})
	t.Run("R96 no more than so many exchanges at a time, and datagrams a second", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := testServer()
			s.Outstanding, s.LookupRate = 3, 10
			x := lookUp(t, s, dead)
			for range 20 {
				go x.r.Lookup(t.Context(), target)
			}
			time.Sleep(500 * time.Millisecond)
			if n := len(x.ether.transmissions()); n != 3 {
				t.Errorf("%d under way, want 3", n)
			}
			time.Sleep(time.Minute)
			sent := x.ether.transmissions()
			for i := 10; i < len(sent); i++ {
				if within := sent[i].at.Sub(sent[i-10].at); within < time.Second {
					t.Errorf("11 datagrams within %s", within)
				}
			}
		})
	})
	t.Run("a server that answers nothing is polled, not hammered, and back at its first word", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var alive atomic.Bool
			x := lookUp(t, testServer(), func(_ int, q question) [][]byte {
				if !alive.Load() {
					return nil
				}
				return found(q)
			})
			_ = x.r.Lookup(t.Context(), target)
			before := len(x.ether.transmissions())
			var refused atomic.Int64
			for range 600 {
				time.Sleep(100 * time.Millisecond)
				go func() {
					if r := x.r.Lookup(t.Context(), target); errors.Is(r.Err, ErrSilent) {
						refused.Add(1)
					}
				}()
				synctest.Wait()
			}
			if n := len(x.ether.transmissions()) - before; n > 7*5 || refused.Load() < 590 {
				t.Errorf("%d datagrams in a minute of silence, %d of 600 lookups refused", n, refused.Load())
			}
			alive.Store(true)
			time.Sleep(pollTime)
			_ = x.r.Lookup(t.Context(), target)
			if r := x.r.Lookup(t.Context(), target); r.Err != nil {
				t.Errorf("reply %+v", r)
			}
		})
	})
}

func TestLookup(t *testing.T) {
	// two makes two servers; each says what it is asked.
	two := func(t *testing.T, first, second func(int, question) [][]byte) (all []*Requestor, a, b *lookupTrial) {
		a, b = lookUp(t, testServer(), first), lookUp(t, testServer(), second)
		b.r.server.Number = 2
		return []*Requestor{a.r, b.r}, a, b
	}
	t.Run("R15 R25 all are asked at once, and all answers are waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			all, a, b := two(t, each(found), each(nothing))
			replies := Lookup(t.Context(), all, target, false)
			if len(replies) != 2 || len(replies[0].Leases) != 1 || !replies[1].Denies() {
				t.Errorf("replies %+v", replies)
			}
			if len(a.ether.transmissions()) != 1 || len(b.ether.transmissions()) != 1 {
				t.Error("not each was asked once")
			}
		})
	})
	t.Run("C47 R24 in order, the next one is asked when one fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			all, a, _ := two(t, dead, each(found))
			replies := Lookup(t.Context(), all, target, true)
			if len(replies) != 2 || !errors.Is(replies[0].Err, ErrTimeout) || len(replies[1].Leases) != 1 {
				t.Errorf("replies %+v", replies)
			}
			if n := len(a.ether.transmissions()); n != 5 {
				t.Errorf("%d transmissions to the first", n)
			}
		})
	})
	t.Run("R24 in order, nobody waits for all transmissions to a server that is known to be silent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			all, a, _ := two(t, dead, each(found))
			_ = Lookup(t.Context(), all, target, true)
			for range 3 {
				time.Sleep(pollTime)
				began := time.Now()
				replies := Lookup(t.Context(), all, target, true)
				if took := time.Since(began); len(replies[0].Leases) != 1 || took > pollGrace {
					t.Errorf("replies %+v after %s", replies, took)
				}
			}
			if n := len(a.ether.transmissions()); n < 5+3 {
				t.Errorf("%d transmissions to the silent one: it is not polled", n)
			}
		})
	})
	t.Run("C46 R24 in order, the next one is asked when one refuses or holds nothing", func(t *testing.T) {
		for _, answer := range []func(question) [][]byte{refusing(notConfigured), refusing(notAllowed), nothing} {
			synctest.Test(t, func(t *testing.T) {
				all, _, _ := two(t, each(answer), each(found))
				if replies := Lookup(t.Context(), all, target, true); len(replies) != 2 || len(replies[1].Leases) != 1 {
					t.Errorf("replies %+v", replies)
				}
			})
		}
	})
	t.Run("R15 in order, the server that is known to hold the lease comes first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			all, a, _ := two(t, each(found), each(found))
			to := target
			to.HeldBy = 2
			if replies := Lookup(t.Context(), all, to, true); len(replies) != 1 || replies[0].Server != 2 {
				t.Errorf("replies %+v", replies)
			}
			if n := len(a.ether.transmissions()); n != 0 {
				t.Errorf("%d transmissions to the first", n)
			}
		})
	})
}

// TestSilence (R96): of many queries under way when a server falls silent one
// goes on, and the others end.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := lookUp(t, testServer(), dead)
		const many = 50
		replies := make(chan Reply, many)
		for range many {
			go func() { replies <- x.r.Lookup(t.Context(), target) }()
		}
		time.Sleep(15 * time.Second)
		for range many - 1 {
			if r := <-replies; !errors.Is(r.Err, ErrSilent) || r.Took > 9*time.Second {
				t.Errorf("%v after %s, want that the server is silent", r.Err, r.Took)
			}
		}
		if r := <-replies; !errors.Is(r.Err, ErrTimeout) {
			t.Errorf("%v, want that one is sent to the end", r.Err)
		}
		if n := len(x.ether.transmissions()); n > 3*many+2 {
			t.Errorf("%d transmissions of %d queries", n, many)
		}
	})
}
