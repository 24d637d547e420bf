//go:build linux

package glean

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// A subscriber is a DHCPv6 client that does what it is told, on any line. It
// asks for one prefix.
type subscriber struct {
	number int
	from   netip.Addr
	duid   dhcpv6.DUID
	iaid   [4]byte
	server dhcpv6.DUID                // the last one that answered
	leases map[*line]netip.Prefix     // what it has on each line; none is the zero Prefix
	told   map[netip.Prefix]time.Time // until when it may use what it was last leased
}

func newSubscriber(number int) *subscriber {
	return &subscriber{
		number: number,
		from:   linkLocal(number),
		duid:   duidOf(number),
		iaid:   [4]byte{0, 0, 0, 1},
		leases: make(map[*line]netip.Prefix),
		told:   make(map[netip.Prefix]time.Time),
	}
}

func duidOf(number int) dhcpv6.DUID {
	mac := binary.BigEndian.AppendUint32([]byte{2, 1}, uint32(number))
	return &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: mac}
}

// message makes a message about a prefix; the zero one is a wish for any.
func (c *subscriber) message(kind dhcpv6.MessageType, p netip.Prefix, more ...dhcpv6.Modifier) *dhcpv6.Message {
	m, err := dhcpv6.NewMessage(append(more, dhcpv6.WithClientID(c.duid))...)
	if err != nil {
		panic(err) // there is no randomness left in the world
	}
	m.MessageType = kind
	ia := &dhcpv6.OptIAPD{IaId: c.iaid}
	if p.IsValid() {
		ia.Options.Add(prefixOption(p, 0))
	}
	m.AddOption(ia)
	m.AddOption(dhcpv6.OptElapsedTime(0))
	return m
}

// prefixOption is a lease in a message.
func prefixOption(p netip.Prefix, valid time.Duration) *dhcpv6.OptIAPrefix {
	return &dhcpv6.OptIAPrefix{
		PreferredLifetime: valid, ValidLifetime: valid,
		Prefix: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 128)},
	}
}

// solicit gets a lease with four messages, or with two.
func (c *subscriber) solicit(ctx context.Context, l *line, rapid bool) error {
	var more []dhcpv6.Modifier
	if rapid {
		more = append(more, dhcpv6.WithRapidCommit)
	}
	a, err := l.exchange(ctx, c.from, c.message(dhcpv6.MessageTypeSolicit, netip.Prefix{}, more...))
	if err != nil || a.MessageType == dhcpv6.MessageTypeReply {
		return c.take(l, a, err)
	}
	c.server = a.Options.ServerID()
	p, _ := offered(a)
	return c.ask(ctx, l, dhcpv6.MessageTypeRequest, p)
}

// ask sends a message about a prefix to the server, or with Rebind to any.
func (c *subscriber) ask(ctx context.Context, l *line, kind dhcpv6.MessageType, p netip.Prefix) error {
	a, err := l.exchange(ctx, c.from, c.message(kind, p, c.to(kind)...))
	return c.take(l, a, err)
}

// to names the server where it has to be named.
func (c *subscriber) to(kind dhcpv6.MessageType) []dhcpv6.Modifier {
	if kind == dhcpv6.MessageTypeRebind || c.server == nil {
		return nil
	}
	return []dhcpv6.Modifier{dhcpv6.WithServerID(c.server)}
}

// release gives a lease back, and does not wait for an answer.
func (c *subscriber) release(ctx context.Context, l *line) error {
	m := c.message(dhcpv6.MessageTypeRelease, c.leases[l], c.to(dhcpv6.MessageTypeRelease)...)
	delete(c.leases, l)
	return l.send(ctx, c.from, m)
}

// take notes what a Reply says.
func (c *subscriber) take(l *line, a *dhcpv6.Message, err error) error {
	if err != nil {
		return fmt.Errorf("client %d: %w", c.number, err)
	}
	if id := a.Options.ServerID(); id != nil {
		c.server = id
	}
	delete(c.leases, l)
	if p, lifetime := offered(a); p.IsValid() {
		c.leases[l], c.told[p] = p, time.Now().Add(lifetime)
	}
	return nil
}

// offered returns the prefix that an answer leases and for how long, or the
// zero ones.
func offered(a *dhcpv6.Message) (netip.Prefix, time.Duration) {
	for _, ia := range a.Options.IAPD() {
		for _, p := range ia.Options.Prefixes() {
			if p.ValidLifetime > 0 && p.Prefix != nil {
				return prefixOf(p), p.ValidLifetime
			}
		}
	}
	return netip.Prefix{}, 0
}

// prefixOf is the prefix of a lease in a message that could be read.
func prefixOf(p *dhcpv6.OptIAPrefix) netip.Prefix {
	addr, _ := netip.AddrFromSlice(p.Prefix.IP)
	bits, _ := p.Prefix.Mask.Size()
	return netip.PrefixFrom(addr, bits)
}
