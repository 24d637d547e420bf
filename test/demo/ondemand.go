//go:build linux

package demo

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/ipv6"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"leaseroute/lqclient/wire"
	"leaseroute/test/lab"
)

const (
	// again is how often the unknown subscriber pings until it is answered.
	again = 10 * time.Millisecond
	// dhcpPort is the port of relays and servers (RFC 9915, section 7.2).
	dhcpPort = 547
)

// A withheld lease is one that the server does not tell of in bulk.
type withheld struct {
	lab.Route
	why string // it doesn't
}

// unheard is a subscriber that no answer in bulk has mentioned: its first
// packet makes leaseroute ask about it.
func (s *stage) unheard(ctx context.Context) error {
	w := s.dhcpd.withheld(s)
	s.say("on demand: %s", w.why)
	cpe, err := s.moveIn(ctx, w.Route)
	if err != nil {
		return err
	}
	s.tell("no route leads to %s; from there the core is pinged every %s", w.Prefix, again)
	seen, err := s.firstPackets(ctx, cpe, w.Route)
	if err != nil {
		return err
	}
	seen.tell(s)
	for _, args := range [][]string{{"explain", w.Prefix.String()}, {"lookup", seen.source.String()}} {
		if err := s.show(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// moveIn makes the subscriber that a route leads to, with an address of its
// own.
func (s *stage) moveIn(ctx context.Context, r lab.Route) (*lab.CPE, error) {
	const number = 2 // the newcomer is another
	for _, a := range s.Access {
		if a.Name != r.Dev {
			continue
		}
		cpe, err := s.NewCPE(ctx, a, number)
		if err != nil {
			return nil, err
		}
		return cpe, cpe.IP(ctx,
			fmt.Sprintf("address replace %s/64 dev wan0 nodad", r.Gateway),
			fmt.Sprintf("address replace %s/128 dev lo nodad", r.Prefix.Addr().Next()))
	}
	return nil, fmt.Errorf("no access link %q", r.Dev)
}

// sightings are when things happened at the router.
type sightings struct {
	source                        netip.Addr // of the pings
	first, answer, routed, echoed time.Time
	pings                         int // until one was answered
}

// firstPackets lets the subscriber ping until it is answered, and watches.
func (s *stage) firstPackets(ctx context.Context, cpe *lab.CPE, r lab.Route) (*sightings, error) {
	c, err := s.Router.Capture()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	seen := &sightings{source: r.Prefix.Addr().Next()}
	watching := make(chan struct{})
	began := sync.OnceFunc(func() { close(watching) })
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return seen.follow(ctx, c) })
	g.Go(func() error {
		defer began() // also if the watch fails
		err := s.Router.WaitRoutes(ctx, protocol, func(now map[netip.Prefix]lab.Route) bool {
			began()
			_, there := now[r.Prefix]
			return there
		})
		seen.routed = time.Now()
		return err
	})
	g.Go(func() error {
		<-watching
		return seen.ping(ctx, cpe)
	})
	return seen, g.Wait()
}

// ping pings the core until it is answered.
func (seen *sightings) ping(ctx context.Context, cpe *lab.CPE) error {
	for {
		seen.pings++
		short, cancel := context.WithTimeout(ctx, again)
		_, err := cpe.Ping(short, lab.ServerAddress)
		cancel()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// follow notes when the first of each kind of packet passed the router, until
// it has seen all.
func (seen *sightings) follow(ctx context.Context, c *lab.Capture) error {
	note := func(at *time.Time, p lab.Packet) {
		if at.IsZero() {
			*at = p.At
		}
	}
	for seen.first.IsZero() || seen.answer.IsZero() || seen.echoed.IsZero() {
		p, err := c.Next(ctx)
		if err != nil {
			return err
		}
		switch {
		case !p.Outgoing && p.Source == seen.source && isEcho(p, ipv6.ICMPTypeEchoRequest):
			note(&seen.first, p)
		case !p.Outgoing && isLookupAnswer(p):
			note(&seen.answer, p)
		case p.Outgoing && p.Dest == seen.source && isEcho(p, ipv6.ICMPTypeEchoReply):
			note(&seen.echoed, p)
		}
	}
	return nil
}

func isEcho(p lab.Packet, kind ipv6.ICMPType) bool {
	return p.Protocol == unix.IPPROTO_ICMPV6 && len(p.Payload) > 0 && p.Payload[0] == byte(kind)
}

// isLookupAnswer reports whether p is what a server says to a leasequery over
// UDP.
func isLookupAnswer(p lab.Packet) bool {
	const header = 8 // of UDP
	return p.Protocol == unix.IPPROTO_UDP && len(p.Payload) > header &&
		int(p.Payload[0])<<8|int(p.Payload[1]) == dhcpPort && wire.MessageType(p.Payload[header]) == wire.LeaseQueryReply
}

// tell prints what happened, counted from the first packet.
func (seen *sightings) tell(s *stage) {
	echoed := fmt.Sprintf("the reply to ping %d passes the router", seen.pings)
	if seen.pings > 1 {
		echoed += " (what came before the route was dropped)"
	}
	for _, step := range []struct {
		at   time.Time
		what string
	}{
		{seen.first, "first packet from " + seen.source.String()},
		{seen.answer, "the server's answer to the lookup"},
		{seen.routed, "the route is in the kernel"},
		{seen.echoed, echoed},
	} {
		s.tell("%6.1f ms  %s", float64(step.at.Sub(seen.first))/float64(time.Millisecond), step.what)
	}
}
