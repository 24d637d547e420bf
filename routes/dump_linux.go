package routes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"leaseroute/binding"
)

// ErrDumpInterrupted reports that the kernel's table changed under a dump in a
// way that may have hidden routes from it: what it yielded is true, but dump
// again before concluding that something is missing.
var ErrDumpInterrupted = errors.New("the routing table changed while it was read")

// Dump yields our routes, the aggregates excepted, in parts that are valid
// during the call only. Their kind is DelegatedPrefix: the kernel can't tell.
// A route whose next hop is not one of ours to give (several next hops, an
// interface that we don't use) has Interface 0.
//
// The same pass renews what is known of foreign routes and connected prefixes.
// Routes of ours at another metric, from an earlier configuration, are first
// given the present one.
func (k *Kernel) Dump(ctx context.Context, yield func([]binding.Route) error) error {
	d := dump{Kernel: k, links: k.links.now.Load(), facts: k.known.begin(), yield: yield}
	if err := d.run(ctx); err != nil {
		k.known.abandon()
		return fmt.Errorf("dump routes: %w", err)
	}
	k.known.commit(d.facts)
	if err := d.moveStrays(ctx); err != nil {
		return fmt.Errorf("move routes to metric %d: %w", k.options.Metric, err)
	}
	return nil
}

// A dump is one call of Dump.
type dump struct {
	*Kernel
	links  *snapshot
	facts  facts
	yield  func([]binding.Route) error
	part   []binding.Route
	strays []route
	now    time.Time
}

func (d *dump) run(ctx context.Context) error {
	d.dumps.Add(1)
	d.endless = false
	return d.socket.list(appendRouteDump(nil, d.options.Table), func(b []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return d.take(b)
	})
}

// take reads one datagram of the dump and yields what is ours in it.
func (d *dump) take(b []byte) error {
	d.part, d.now = d.part[:0], time.Now()
	err := each(b, func(m message) error {
		if m.kind != unix.RTM_NEWROUTE {
			return nil
		}
		r, err := parseRoute(m.payload)
		if err == nil {
			d.sort(&r)
		}
		return err
	})
	if err != nil || len(d.part) == 0 {
		return err
	}
	return d.yield(d.part)
}

// sort puts a route where it belongs. A kernel that does not filter strictly
// sends other tables too.
func (d *dump) sort(r *route) {
	switch {
	case r.table != d.options.Table || r.cached:
	case r.protocol != d.options.Protocol || r.aggregate():
		d.known.enter(d.facts, notice{r: *r})
	case r.kind != unix.RTN_UNICAST:
	case r.metric != d.options.Metric:
		d.strays = append(d.strays, *r)
	default:
		d.endless = d.endless || r.expires == 0
		d.part = append(d.part, d.binding(r))
	}
}

// binding says a route in the words of the table.
func (d *dump) binding(r *route) binding.Route {
	out := binding.Route{
		Key:       binding.Key{Kind: binding.DelegatedPrefix, Prefix: r.prefix},
		Interface: d.links.numberOf[r.index],
	}
	if out.Interface != 0 {
		out.NextHop = r.gateway
	}
	if r.expires > 0 {
		out.Expires = d.now.Add(r.expires)
	}
	return out
}

// appendRouteDump adds a request for all routes of one table.
func appendRouteDump(b []byte, table uint32) []byte {
	at := len(b)
	short := uint8(0)
	if table < 256 {
		short = uint8(table)
	}
	b = appendHeader(b, unix.RTM_GETROUTE, unix.NLM_F_DUMP, 0)
	b = append(b, unix.AF_INET6, 0, 0, 0, short, 0, 0, 0, 0, 0, 0, 0)
	return finish(appendUint32(b, unix.RTA_TABLE, table), at)
}
