//go:build linux

package glean

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

// A solo is a site with one subscriber, whose server the test plays: what it
// sends comes from the right address by the right interface. There is no relay:
// leaseroute does not miss it.
type solo struct {
	*site
	kernel *news
	lines  [2]*line
	before map[string]control.Binding
}

// transactions bounds what leaseroute remembers of clients, in these tests.
const transactions = 64

func newSolo(t *testing.T) *solo {
	t.Helper()
	v := &solo{site: newBareSite(t, 2)}
	v.Daemon = daemon.New(t, v.Edge, daemon.Config(relayID, fmt.Sprintf("glean: { max_transactions: %d }", transactions)))
	v.kernel = v.watch(t)
	for i := range v.lines {
		v.lines[i] = v.line(t, v.Access[i])
	}
	v.Start(t)
	v.watching(t)
	v.lease(t, v.lines[0], newSubscriber(1), block(1))
	v.before = v.Bindings(t)
	v.kernel.reset(t)
	return v
}

// asks has a client ask for a prefix until that has been seen: a link that has
// just come up may drop the first packets.
func (v *solo) asks(t *testing.T, l *line, c *subscriber, p netip.Prefix) dhcpv6.TransactionID {
	t.Helper()
	ask := c.message(dhcpv6.MessageTypeRebind, p)
	before := v.Status(t).Counters["glean_opened"]
	v.until(t, "the question was not seen", func() []string {
		must(t, l.send(v.ctx, c.from, ask))
		if v.Status(t).Counters["glean_opened"] > before {
			return nil
		}
		return []string{ask.Summary()}
	})
	return ask.TransactionID
}

// lease has a client get a prefix on a line.
func (v *solo) lease(t *testing.T, l *line, c *subscriber, p netip.Prefix) {
	t.Helper()
	v.answer(t, replyTo(l.access, c, v.asks(t, l, c, p), leased(p, 3600)))
	v.stands(t, p, place{c.from, l.access.Name})
}

// answer sends what the server says.
func (v *solo) answer(t *testing.T, b []byte) {
	t.Helper()
	must(t, sendFrom(v.ctx, v.Server, "core0", lab.ServerAddress, b))
}

// counts waits until something that send does has been counted.
func (v *solo) counts(t *testing.T, counter string, send func()) {
	t.Helper()
	before := v.Status(t).Counters[counter]
	send()
	v.Wait(t, counter, func(s control.Status) bool { return s.Counters[counter] > before })
}

// unharmed fails the test if anything has changed.
func (v *solo) unharmed(t *testing.T) {
	t.Helper()
	if seen := v.kernel.reset(t); len(seen) > 0 {
		t.Errorf("the kernel told %q", seen)
	}
	now := v.Bindings(t)
	if len(now) != len(v.before) {
		t.Errorf("%d bindings, there were %d", len(now), len(v.before))
	}
	for p, b := range v.before {
		if n := now[p]; n.ClientDUID != b.ClientDUID || n.State != b.State || n.NextHop != b.NextHop {
			t.Errorf("%s is %+v, was %+v", p, n, b)
		}
	}
}

// jumbo lets a link carry datagrams of all sizes in one piece.
func (v *solo) jumbo(t *testing.T) {
	t.Helper()
	for _, n := range []*lab.Namespace{v.Server, v.Router} {
		must(t, n.IP(v.ctx, "link set core0 mtu 65535"))
	}
	must(t, v.Router.IP(v.ctx, "link set acc0 mtu 65535"))
	must(t, v.Access[0].Subscribers.IP(v.ctx, "link set wan0 mtu 65535"))
}

// many is an IA_PD with more prefixes than anybody has, the neighbour's first, and as
// many as a datagram holds.
func many() dhcpv6.Option {
	ia := &dhcpv6.OptIAPD{IaId: [4]byte{0, 0, 0, 1}}
	for n := range 2000 {
		ia.Options.Add(prefixOption(block(1+n%255), time.Hour))
	}
	return ia
}

// oddLengths is an IA_PD with the neighbour's prefix, in lengths that there are not.
func oddLengths() dhcpv6.Option {
	ia := &dhcpv6.OptIAPD{IaId: [4]byte{0, 0, 0, 1}}
	for _, length := range []byte{0, 129, 200, 255} {
		raw := prefixOption(block(1), time.Hour).ToBytes()
		raw[8] = length // behind the lifetimes
		ia.Options.Add(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionIAPrefix, OptionData: raw})
	}
	return ia
}

// nested wraps a relay message into so many more layers like its own.
func nested(b []byte, layers int) []byte {
	const head = 34
	for range layers {
		outer := slices.Clone(b[:head])
		inner := dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionRelayMsg, OptionData: b}
		b = append(outer, (&dhcpv6.Options{&inner}).ToBytes()...)
	}
	return b
}

// TestBadReplies has what claims to come from the server break every bound.
func TestBadReplies(t *testing.T) {
	t.Parallel()
	v := newSolo(t)
	other := newSubscriber(2)
	tests := []struct {
		name, counter string
		jumbo         bool
		reply         func(xid dhcpv6.TransactionID) []byte
	}{
		{"G-7 C106 thousands of prefixes, in fragments", "glean_fragments", false, func(xid dhcpv6.TransactionID) []byte {
			return replyTo(v.Access[0], other, xid, many())
		}},
		{"G-7 C106 thousands of prefixes", "glean_too_many_leases", true, func(xid dhcpv6.TransactionID) []byte {
			return replyTo(v.Access[0], other, xid, many())
		}},
		{"R37 C106 lengths 0, 129, 200 and 255", "glean_leases_malformed", true, func(xid dhcpv6.TransactionID) []byte {
			return replyTo(v.Access[0], other, xid, oddLengths())
		}},
		{"C17 a hundred relays", "glean_too_many_relays", true, func(xid dhcpv6.TransactionID) []byte {
			return nested(replyTo(v.Access[0], other, xid, leased(block(1), 3600)), 100)
		}},
		{"C17 the last option is cut off", "glean_malformed_relay", true, func(xid dhcpv6.TransactionID) []byte {
			whole := replyTo(v.Access[0], other, xid, leased(block(1), 3600))
			return whole[:len(whole)-1]
		}},
		{"L16 C126 another client's transaction", "glean_unmatched", true, func(xid dhcpv6.TransactionID) []byte {
			return replyTo(v.Access[0], newSubscriber(3), xid, leased(block(1), 3600))
		}},
		{"R37 outside the blocks that may be delegated", "glean_taught", true, func(xid dhcpv6.TransactionID) []byte {
			return replyTo(v.Access[0], other, xid, leased(netip.MustParsePrefix("2001:db8:7f00::/56"), 3600))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.jumbo {
				v.jumbo(t)
			}
			xid := v.asks(t, v.lines[0], other, block(1))
			v.counts(t, tt.counter, func() { v.answer(t, tt.reply(xid)) })
			if tt.counter == "glean_taught" { // it is known, and refused
				outside := v.Status(t).Refused["outside delegation.allowed"]
				if outside != 1 {
					t.Errorf("%d leases outside are refused, want 1", outside)
				}
				v.before = v.Bindings(t)
			}
			v.unharmed(t)
		})
	}
	t.Run("L16 after all that, a good one teaches", func(t *testing.T) { v.lease(t, v.lines[0], other, block(2)) })
}

// TestFlood has a subscriber send what costs memory.
func TestFlood(t *testing.T) {
	t.Parallel()
	v := newSolo(t)
	v.jumbo(t)
	flooder := newSubscriber(666)
	random := rand.New(rand.NewPCG(1, 0))
	t.Run("C17 a question through a hundred relays", func(t *testing.T) {
		inner := flooder.message(dhcpv6.MessageTypeRebind, block(1))
		forward, err := dhcpv6.EncapsulateRelay(inner, dhcpv6.MessageTypeRelayForward, flooder.from.AsSlice(), flooder.from.AsSlice())
		must(t, err)
		v.counts(t, "glean_too_many_relays", func() {
			must(t, v.lines[0].sendTo(v.ctx, flooder.from, allAgents, nested(forward.ToBytes(), 100)))
		})
		v.unharmed(t)
	})
	for _, rapid := range []bool{false, true} {
		t.Run(fmt.Sprintf("L16 Solicits of random clients, Rapid Commit %t, and nobody else is forgotten", rapid), func(t *testing.T) {
			calm := newSubscriber(2)
			xid := v.asks(t, v.lines[0], calm, block(2))
			const solicits = 20 * transactions
			counter, more := "glean_solicits", []dhcpv6.Modifier(nil)
			if rapid {
				counter, more = "glean_opened", []dhcpv6.Modifier{dhcpv6.WithRapidCommit}
			}
			before := v.Status(t).Counters
			for range solicits {
				flooder.duid = duidOf(int(random.Uint32()))
				must(t, v.lines[1].send(v.ctx, flooder.from, flooder.message(dhcpv6.MessageTypeSolicit, netip.Prefix{}, more...)))
			}
			v.Wait(t, "the flood", func(s control.Status) bool { return s.Counters[counter] >= before[counter]+solicits })
			s := v.Status(t).Counters
			if open := s["glean_transactions_open"]; open > transactions {
				t.Errorf("%d transactions are open, want %d at most", open, transactions)
			}
			if evicted := s["glean_transactions_evicted"]; (evicted > solicits-transactions) != rapid {
				t.Errorf("%d transactions were pushed out", evicted)
			}
			v.unharmed(t)
			v.answer(t, replyTo(v.Access[0], calm, xid, leased(block(2), 3600)))
			v.stands(t, block(2), place{calm.from, v.Access[0].Name})
			v.before = v.Bindings(t)
			v.kernel.reset(t)
		})
	}
}
