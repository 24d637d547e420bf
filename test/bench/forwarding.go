//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"leaseroute/test/lab"
)

const (
	// passing is how many packets are forwarded in a burst, and bursts how many
	// of those are one measurement, which is the fastest: what else the machine
	// does only makes them slower.
	passing, bursts = 50_000, 20
	// hot is how many subscribers there are where there are many: as many as
	// the generator can make, and fewer than the rules remember.
	hot = 512
)

// A forwarding measures what a packet from known subscribers costs, or one to
// them.
type forwarding struct {
	*bench
	crowd       crowd
	subscribers int32
	down        bool // to them

	with, without, more series // ns for each packet
}

// String says what is forwarded.
func (f *forwarding) String() string {
	way := "from"
	if f.down {
		way = "to"
	}
	return fmt.Sprintf("a packet %s %d known of %d subscribers", way, f.subscribers, f.crowd)
}

// forwarding measures that with the rules of the on-demand lookups and without
// them, in turns, on a router with many routes.
func (b *bench) forwarding(ctx context.Context) (results []result, err error) {
	for _, f := range []*forwarding{{subscribers: 1}, {subscribers: hot}, {subscribers: hot, down: true}} {
		f.bench, f.crowd = b, crowd(b.few)
		say("forwarding %s, with the rules and without", f)
		if err := fresh(ctx, f.measure); err != nil {
			return results, err
		}
		results = append(results, f.result())
	}
	return results, nil
}

// nowhere is behind the core: what goes there ends at the server, in silence.
const nowhere = "2001:db8:7fff::/48"

func (f *forwarding) measure(ctx context.Context, e *lab.Edge) error {
	if _, err := f.crowd.serve(ctx, e, f.binary); err != nil {
		return err
	}
	if err := f.ends(ctx, e); err != nil {
		return err
	}
	g, err := f.packets(e)
	if err != nil {
		return err
	}
	defer g.close()
	for i := range f.pairs {
		var cost [2]float64 // with the rules, and without
		for j := range cost {
			which := (i + j) % 2
			if cost[which], err = f.forward(ctx, e, g, which == 0); err != nil {
				return err
			}
		}
		f.with, f.without, f.more = append(f.with, cost[0]), append(f.without, cost[1]), append(f.more, cost[0]-cost[1])
		say("  pair %d: %.0f ns with, %.0f without, %+.0f; load %s", i+1, cost[0], cost[1], f.more[i], load())
	}
	return nil
}

// ends makes both ends drop what arrives there, without a word, and be known to
// the router as neighbours.
func (f *forwarding) ends(ctx context.Context, e *lab.Edge) error {
	a := e.Access[0]
	err := errors.Join(
		e.Router.IP(ctx, fmt.Sprintf("route add %s via %s dev core0", nowhere, lab.ServerAddress)),
		e.Server.IP(ctx, "route add blackhole "+nowhere),
		a.Subscribers.IP(ctx, "route add blackhole "+lab.Delegated.String()))
	if err != nil {
		return err
	}
	if _, err := e.Router.Ping(ctx, lab.ServerAddress); err != nil {
		return err
	}
	mac, err := macOf(a.Subscribers, "wan0")
	if err != nil {
		return err
	}
	targets, err := crowd(2 * f.subscribers).targets(e)
	if err != nil {
		return err
	}
	var neighbours []string
	for _, t := range targets {
		if t.Dev == a.Name {
			neighbours = append(neighbours, fmt.Sprintf("neigh add %s lladdr %s dev %s nud permanent", t.Gateway, mac, a.Name))
		}
	}
	return e.Router.IP(ctx, neighbours...)
}

// packets prepares what arrives: datagrams of the first subscribers on the
// first access link, or to them.
func (f *forwarding) packets(e *lab.Edge) (*generator, error) {
	dev, subscriber := e.Access[0].Name, int16(sourceAt)
	source, dest := lab.Delegated.Addr().Next(), netip.MustParsePrefix(nowhere).Addr().Next()
	if f.down {
		dev, subscriber = "core0", destAt
		source, dest = dest, source
	}
	to, err := macOf(e.Router, dev)
	if err != nil {
		return nil, err
	}
	from := net.HardwareAddr{2, 0xd1, 0, 0, 0, 0}
	frame := lab.UDPFrame(to, from, netip.AddrPortFrom(source, sinkPort), netip.AddrPortFrom(dest, sinkPort), nil)
	return newGenerator(e.Router, dev, frame, subscriber, f.subscribers)
}

// forward returns what a packet costs while the daemon runs, in ns. The routes
// outlive it.
func (f *forwarding) forward(ctx context.Context, e *lab.Edge, g *generator, rules bool) (float64, error) {
	d, err := f.recover(ctx, e, relayID, fmt.Sprintf("on_demand: { enabled: %t }", rules))
	if err != nil {
		return 0, err
	}
	if err := d.complete(ctx, e, int(f.crowd)); err != nil {
		return 0, err
	}
	before, err := forwarded(e.Router)
	if err != nil {
		return 0, err
	}
	var took series
	for range bursts {
		each, err := g.run(passing)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return 0, err
		}
		took = append(took, float64(each.Nanoseconds()))
	}
	after, err := forwarded(e.Router)
	if err == nil && after-before < passing*bursts {
		err = fmt.Errorf("%d of %d packets were forwarded", after-before, passing*bursts)
	}
	return slices.Min(took), errors.Join(err, d.process.Stop(ctx))
}

// forwarded is how many IPv6 packets a namespace has forwarded.
func forwarded(n *lab.Namespace) (packets int, err error) {
	err = n.Do(func() error {
		packets, err = number("/proc/thread-self/net/snmp6", "Ip6OutForwDatagrams")
		return err
	})
	return packets, err
}

// result holds the cost against the aim, which is for packets of known sources.
func (f *forwarding) result() result {
	const aim = 350
	r := result{
		what:      "forwarding " + f.String(),
		product:   fmt.Sprintf("%.0f ns (%.0f-%.0f)", f.with.median(), slices.Min(f.with), slices.Max(f.with)),
		yardstick: fmt.Sprintf("no rules %.0f ns (%.0f-%.0f)", f.without.median(), slices.Min(f.without), slices.Max(f.without)),
		ratio:     fmt.Sprintf("%+.0f ns (%+.0f to %+.0f)", f.more.median(), slices.Min(f.more), slices.Max(f.more)),
	}
	if !f.down {
		r.aim, r.met = fmt.Sprintf("%+d ns", aim), verdict(f.more.median() <= aim)
	}
	return r
}
