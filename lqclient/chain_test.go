package lqclient

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"leaseroute/lqclient/wire"
)

// remoteID is the remote-id that tests configure.
var remoteID = []byte("\x00\x00\x09\xbfport1")

func chainOptions() Options {
	return Options{Links: twoLinks, RemoteIDs: [][]byte{remoteID}}
}

func TestChain(t *testing.T) {
	const p1, p2 = "2001:db8:8000::/56", "2001:db8:8000:100::/56"
	both := []string{"link-address 2001:db8:1::1", "link-address 2001:db8:2::1"}
	tests := []struct {
		name   string
		all    bool
		answer perKind
		asked  []string
		state  State
	}{
		{"C78 a relay-id that yields ends the chain", false,
			perKind{wire.ByRelayID: holding(p1)},
			[]string{"relay-id"}, Complete},
		{"C78 an empty success moves on to every link", false,
			perKind{wire.ByRelayID: holding(), wire.ByLinkAddress: holding(p1)},
			append([]string{"relay-id"}, both...), Complete},
		{"C78 C44 UnknownQueryType moves on", false,
			perKind{wire.ByRelayID: refusing(unknownQueryType), wire.ByLinkAddress: holding(p1)},
			append([]string{"relay-id"}, both...), Complete},
		{"C78 C46 NotAllowed moves on, and its kind is not asked for the next link", false,
			perKind{wire.ByRelayID: refusing(notAllowed), wire.ByLinkAddress: refusing(notAllowed), wire.ByRemoteID: holding(p1)},
			[]string{"relay-id", both[0], "remote-id"}, Complete},
		{"C46 NotConfigured moves on to the next link and kind", false,
			perKind{wire.ByRelayID: holding(), wire.ByLinkAddress: refusing(notConfigured), wire.ByRemoteID: holding(p1)},
			append(append([]string{"relay-id"}, both...), "remote-id"), Complete},
		{"C45 MalformedQuery moves on", false,
			perKind{wire.ByRelayID: refusing(malformedQuery), wire.ByLinkAddress: holding(p1)},
			append([]string{"relay-id"}, both...), Complete},
		{"C78 nothing anywhere is a complete answer", false,
			perKind{wire.ByRelayID: holding(), wire.ByLinkAddress: holding(), wire.ByRemoteID: holding()},
			append(append([]string{"relay-id"}, both...), "remote-id"), Complete},
		{"query_all asks all kinds", true,
			perKind{wire.ByRelayID: holding(p1), wire.ByLinkAddress: holding(p1, p2), wire.ByRemoteID: holding(p2)},
			append(append([]string{"relay-id"}, both...), "remote-id"), Complete},
		{"C78 an empty relay-id proves nothing where all other kinds are refused", false,
			perKind{wire.ByRelayID: holding(), wire.ByLinkAddress: refusing(unknownQueryType), wire.ByRemoteID: refusing(unknownQueryType)},
			[]string{"relay-id", both[0], "remote-id"}, Failed},
		{"3.6 no kind of use is a failure", false,
			perKind{wire.ByRelayID: refusing(notAllowed), wire.ByLinkAddress: refusing(notConfigured), wire.ByRemoteID: refusing(malformedQuery)},
			append(append([]string{"relay-id"}, both...), "remote-id"), Failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := testServer()
				s.QueryAll = tt.all
				var asked asked
				x := start(t, s, chainOptions(), always(asked.by(tt.answer.answer)))
				synctest.Wait()
				asked.want(t, tt.asked...)
				if got := x.r.Status(); got.State != tt.state || (got.Error != nil) != (tt.state == Failed) {
					t.Errorf("state %s, error %v; want %s", got.State, got.Error, tt.state)
				}
				x.stop()
			})
		})
	}
	t.Run("a link whose answer always breaks off does not keep the next one from being asked for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := testServer()
			s.Queries = []wire.QueryType{wire.ByLinkAddress}
			x := start(t, s, chainOptions(), func(_ int, p *peer) {
				for {
					q, ok := p.query()
					switch {
					case !ok:
						return
					case q.link == twoLinks()[0].Address:
						p.say(reply(q.id, lease(p1)))
						return // in mid-answer
					}
					p.say(reply(q.id, lease(p2)), done(q.id))
				}
			})
			synctest.Wait()
			x.want("begins 0", "held "+p1, "incomplete 0")
			time.Sleep(2 * time.Second)
			synctest.Wait()
			x.want("begins 0", "held "+p2, "held "+p1, "incomplete 0")
			x.stop()
		})
	})
	t.Run("R51 links are asked for at once where configured", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := testServer()
			s.Queries, s.Concurrent = []wire.QueryType{wire.ByLinkAddress}, 2
			x := start(t, s, chainOptions(), func(_ int, p *peer) {
				one, two := p.must(), p.must()
				p.say(reply(one.id, lease(p1)), reply(two.id, lease(p2)), done(two.id), done(one.id))
				p.closed()
			})
			synctest.Wait()
			if got := x.r.Status(); got.State != Complete || got.Bindings != 2 {
				t.Errorf("status %+v, want complete with 2 bindings", got)
			}
			x.stop()
		})
	})
}

func TestRefusalsAreRemembered(t *testing.T) {
	const p1 = "2001:db8:8000::/56"
	tests := []struct {
		name         string
		code         uint16
		before       time.Duration // within this time the relay-id is not asked for
		after        time.Duration // after this it is
		askedForever bool          // also before, when someone asks for a round
	}{
		{"C44 UnknownQueryType for an hour, even when someone asks", unknownQueryType, 59 * time.Minute, 2 * time.Minute, false},
		{"C46 NotAllowed until someone asks", notAllowed, 5 * time.Minute, 0, true},
		{"C45 MalformedQuery until someone asks", malformedQuery, 5 * time.Minute, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked asked
				answer := perKind{wire.ByRelayID: refusing(tt.code), wire.ByLinkAddress: holding(p1)}
				x := start(t, testServer(), chainOptions(), always(asked.by(answer.answer)))
				synctest.Wait()
				asked.want(t, "relay-id", "link-address 2001:db8:1::1", "link-address 2001:db8:2::1")
				time.Sleep(tt.before)
				x.r.Resync(nil)
				synctest.Wait()
				again := []string{"link-address 2001:db8:1::1", "link-address 2001:db8:2::1"}
				if tt.askedForever {
					asked.want(t, append([]string{"relay-id"}, again...)...)
				} else {
					asked.want(t, again...)
					time.Sleep(tt.after)
					x.r.Resync(nil)
					synctest.Wait()
					asked.want(t, append([]string{"relay-id"}, again...)...)
				}
				x.stop()
			})
		})
	}
	t.Run("3.6 a server that allows nothing is left alone for ten minutes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, testServer(), chainOptions(), always(refusing(notAllowed)))
			synctest.Wait()
			got := x.r.Status()
			if wait := time.Until(got.NextTry); got.State != Failed || wait != notAllowedPause {
				t.Errorf("state %s, next try in %s; want failed, 10m", got.State, wait)
			}
			for _, word := range []string{"no kind of query is of use", "relay-id", "link-address", "remote-id", "NotAllowed"} {
				if !strings.Contains(got.Error.Error(), word) {
					t.Errorf("error %q lacks %q", got.Error, word)
				}
			}
			time.Sleep(notAllowedPause - time.Second)
			synctest.Wait()
			if n := len(x.network.dials()); n != 1 {
				t.Errorf("%d connections before the pause was over, want 1", n)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if n := len(x.network.dials()); n != 2 {
				t.Errorf("%d connections after the pause, want 2", n)
			}
			x.stop()
		})
	})
}

func TestNoUseTrying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testServer()
		s.Queries = []wire.QueryType{wire.ByRelayID, wire.ByLinkAddress, wire.ByAddress, wire.ByRemoteID}
		linkLocal := []Link{{netip.MustParseAddr("fe80::1"), 1}}
		x := start(t, s, Options{RelayID: []byte{}, Links: func() []Link { return linkLocal }}, always(holding()))
		synctest.Wait()
		const want = "no kind of query is of use with this server: relay-id: we have none; " +
			"link-address fe80::1: link-address fe80::1: not a global IPv6 address; address: not a kind of bulk query"
		if got := x.r.Status(); got.State != Failed || got.Error == nil || got.Error.Error() != want {
			t.Errorf("error\n%v\nwant\n%s", got.Error, want)
		}
		x.stop()
	})
}

func TestNothingToAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var links []Link
		s := testServer()
		s.Queries = []wire.QueryType{wire.ByLinkAddress}
		x := start(t, s, Options{Links: func() []Link { return links }}, always(holding("2001:db8:8000::/56")))
		synctest.Wait()
		if got := x.r.Status(); got.State != Failed || !errors.Is(got.Error, errNoLinks) || len(x.network.dials()) != 0 {
			t.Errorf("state %s, error %v, %d connections; want failed without a connection", got.State, got.Error, len(x.network.dials()))
		}
		links = twoLinks()[:1]
		x.r.Resync(links) // a link that turns up is worth a try at once
		synctest.Wait()
		x.want("begins 0", "held 2001:db8:8000::/56", "complete 0")
		x.stop()
	})
}
