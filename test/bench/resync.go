//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// resyncs measure rounds that find nothing new.
type resyncs struct {
	cpu, wall     series // seconds
	messages      uint64 // route messages that the daemon wrote
	notifications int    // changes of routes that the kernel told of
}

// measure has the daemon ask its server for everything once more.
func (r *resyncs) measure(ctx context.Context, e *lab.Edge, d *daemon) error {
	m, err := newMonitor(e.Router)
	if err != nil {
		return err
	}
	defer m.close()
	before, err := d.status(ctx)
	if err != nil {
		return err
	}
	used, err := cpu(d.process.Pid())
	if err != nil {
		return err
	}
	began := time.Now()
	after, err := d.resync(ctx)
	if err != nil {
		return err
	}
	r.wall = append(r.wall, time.Since(began).Seconds())
	now, err := cpu(d.process.Pid())
	if err != nil {
		return err
	}
	r.cpu = append(r.cpu, (now - used).Seconds())
	r.messages += after.Counters["route_messages"] - before.Counters["route_messages"]
	seen, err := m.count()
	r.notifications += seen
	return err
}

// resync asks for a round and returns the status after it.
func (d *daemon) resync(ctx context.Context) (s control.Status, err error) {
	var promise control.Resync
	if err := d.Post(ctx, "/v1/resync", nil, &promise); err != nil {
		return s, err
	}
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return s, ctx.Err()
		}
		if s, err = d.status(ctx); err != nil {
			return s, err
		}
		if s.Servers[0].RequestsServed >= promise.Requests[s.Servers[0].Name] {
			return s, nil
		}
	}
}

func (r *resyncs) result(n int) result {
	const aim = 1.0
	return result{
		what: fmt.Sprintf("resync without change, %d bindings", n),
		product: fmt.Sprintf("%.2f s CPU (%s), %d writes, %d notified",
			r.cpu.median(), r.cpu.spread(), r.messages, r.notifications),
		aim: fmt.Sprintf("%.1f s, 0, 0", aim),
		met: verdict(r.cpu.median() <= aim && r.messages == 0 && r.notifications == 0),
	}
}
