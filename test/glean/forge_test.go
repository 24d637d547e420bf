//go:build linux

package glean

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// prey is a client whose prefix others are after.
type prey struct {
	*site
	cpe    *lab.CPE
	prefix netip.Prefix
	kernel *news
	lines  [2]*line
}

// newPrey makes a site with a subscriber, and leaseroute knows all of it.
func newPrey(t *testing.T) *prey {
	t.Helper()
	s := newSite(t, setup{server: "Kea"})
	s.start(t)
	p := &prey{site: s, kernel: s.watch(t)}
	var got []netip.Prefix
	p.cpe, _, got = s.bound(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
	p.prefix = got[0]
	for i := range p.lines {
		p.lines[i] = s.line(t, s.Access[i])
	}
	return p
}

// thief asks as somebody else, on the other link.
const thief = 99

// replyTo is a Relay-reply that gives leases to a client on an access link.
func replyTo(a lab.Access, client *subscriber, xid dhcpv6.TransactionID, leases dhcpv6.Option) []byte {
	inner := client.message(dhcpv6.MessageTypeReply, netip.Prefix{}, dhcpv6.WithServerID(opaque(lab.KeaServerDUID)))
	inner.TransactionID = xid
	inner.UpdateOption(leases)
	outer, err := dhcpv6.EncapsulateRelay(inner, dhcpv6.MessageTypeRelayReply, a.Address.AsSlice(), client.from.AsSlice())
	if err != nil {
		panic(err) // it takes no other type
	}
	return outer.ToBytes()
}

// sendFrom sends a datagram to the router's relay from an address that is given
// to a namespace's interface.
func sendFrom(ctx context.Context, n *lab.Namespace, dev string, from netip.Addr, payload []byte) error {
	if err := n.IP(ctx, fmt.Sprintf("address replace %s/128 dev %s nodad", from, dev)); err != nil {
		return err
	}
	conn, err := n.ListenPacket("udp6", netip.AddrPortFrom(from, 0).String())
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.WriteTo(payload, &net.UDPAddr{IP: lab.RouterAddress.AsSlice(), Port: dhcpv6.DefaultServerPort})
	return err
}

// unmoved fails the test if the kernel was told anything, or if the prey's
// route is not what it should be.
func (p *prey) unmoved(t *testing.T) {
	t.Helper()
	if seen := p.kernel.reset(t); len(seen) > 0 {
		t.Errorf("the kernel told %q", seen)
	}
	p.exact(t)
}

// TestForgedReplies sends what only a server may say, from where no server is.
func TestForgedReplies(t *testing.T) {
	t.Parallel()
	p := newPrey(t)
	stranger, err := p.AddSite(p.ctx, 7)
	must(t, err)
	bait := netip.MustParsePrefix("2001:db8:8abc::/56")
	to := newSubscriber(thief)
	tests := []struct {
		name, counter string
		from          *lab.Namespace
		dev           string
		address       netip.Addr
		open          bool // the client has asked something
	}{
		{"L16 from the access side", "wrong_interface", p.Access[1].Subscribers, "wan0", netip.MustParseAddr("2001:db8:2::66"), true},
		{"L16 from the access side in the server's name", "wrong_interface", p.Access[1].Subscribers, "wan0", lab.ServerAddress, true},
		{"C126 from a server that is not configured", "unknown_server", stranger.Space, "core0", stranger.Address, true},
		{"L16 to a transaction that nobody opened", "unmatched", p.Server, "core0", lab.ServerAddress, false},
	}
	for _, tt := range tests {
		for _, prefix := range []netip.Prefix{bait, p.prefix} {
			t.Run(fmt.Sprintf("%s, about %s", tt.name, prefix), func(t *testing.T) {
				p.kernel.reset(t)
				counter := "glean_" + tt.counter
				before := p.Status(t).Counters[counter]
				ask := to.message(dhcpv6.MessageTypeRebind, prefix)
				if tt.open {
					must(t, p.server.Stop(p.ctx)) // only the forger answers
					opened := p.Status(t).Counters["glean_opened"]
					must(t, p.lines[1].send(p.ctx, to.from, ask))
					p.Wait(t, "the client's question", func(s control.Status) bool { return s.Counters["glean_opened"] > opened })
				}
				must(t, sendFrom(p.ctx, tt.from, tt.dev, tt.address, replyTo(p.Access[1], to, ask.TransactionID, leased(prefix, 3600))))
				p.Wait(t, "the forged Reply to be counted", func(s control.Status) bool { return s.Counters[counter] > before })
				if tt.open {
					must(t, p.server.Start(p.ctx))
				}
				p.unmoved(t)
				if b, known := p.Bindings(t)[bait.String()]; known {
					t.Errorf("it taught %+v", b)
				}
			})
		}
	}
	t.Run("L16 the same from the server itself teaches", func(t *testing.T) {
		must(t, p.server.Stop(p.ctx))
		ask := to.message(dhcpv6.MessageTypeRebind, bait)
		opened := p.Status(t).Counters["glean_opened"]
		must(t, p.lines[1].send(p.ctx, to.from, ask))
		p.Wait(t, "the client's question", func(s control.Status) bool { return s.Counters["glean_opened"] > opened })
		must(t, sendFrom(p.ctx, p.Server, "core0", lab.ServerAddress, replyTo(p.Access[1], to, ask.TransactionID, leased(bait, 3600))))
		p.until(t, "nothing was learnt", func() []string {
			want := lab.Route{Prefix: bait, Gateway: to.from, Dev: p.Access[1].Name}
			if r := p.Routes(t)[bait]; r != want {
				return []string{fmt.Sprintf("%+v", r)}
			}
			return nil
		})
	})
}
