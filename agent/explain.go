package agent

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"leaseroute/agent/control"
	"leaseroute/binding"
	"leaseroute/routes"
)

// explain tells the story of the lease of exactly p, else of the one that
// covers it. It reads only the table and the kernel.
func (a *Agent) explain(ctx context.Context, p netip.Prefix) (control.Explanation, error) {
	var (
		found  binding.Binding
		known  bool
		key    = keyOf(p)
		events []binding.Event
	)
	err := a.call(ctx, func() {
		table := a.owner.table
		found, known = table.Get(key)
		if events = table.Story(key); known || len(events) > 0 {
			return
		}
		if over, ok := table.Lookup(p.Addr()); ok && over.Key.Prefix.Bits() <= p.Bits() {
			found, known, key = over, true, over.Key
			events = table.Story(key)
		} else if was, ok := table.Remembered(p.Addr()); ok && was.Prefix.Bits() <= p.Bits() {
			key, events = was, table.Story(was)
		}
	})
	if err != nil {
		return control.Explanation{}, err
	}
	e := control.Explanation{Events: []control.Event{}}
	for _, v := range events {
		e.Events = append(e.Events, a.showEvent(v))
	}
	if known || len(events) > 0 {
		e.Prefix = key.Prefix.String()
	}
	if known {
		b := a.showBinding(found)
		e.Binding, e.Advice = &b, remedy(found)
	} else {
		e.Advice = a.advise(p, len(events) > 0)
	}
	if e.Kernel, err = routes.Describe(a.cfg.Routes.Table, key.Prefix); err != nil {
		e.Kernel = fmt.Sprintf("could not be asked: %v", err)
	}
	return e, nil
}

// advise says what may be wrong when no lease of p is known.
func (a *Agent) advise(p netip.Prefix, known bool) string {
	switch {
	case known:
		return "no lease is held now; the last verdict says why"
	case p.Addr().Is4():
		return "this release routes delegated prefixes of IPv6; IPv4 comes with a later one"
	}
	if left := a.engine.HeldOff(p.Addr()); left > 0 {
		return fmt.Sprintf("the servers were just asked about it, and none holds it, or none answered: 'leaseroute show queries' tells; not asked again for %s, unless by 'leaseroute lookup %s'",
			left.Round(time.Second), p.Addr())
	}
	for _, block := range a.cfg.Delegation.Allowed {
		if block.Overlaps(p) {
			return "no server has reported a lease here: see 'leaseroute show servers' for a server that has not completed its round, or run 'leaseroute resync --wait'"
		}
	}
	return fmt.Sprintf("%s is outside delegation.allowed: add its block there if this router should route it", p)
}

func (a *Agent) showEvent(v binding.Event) control.Event {
	e := control.Event{
		At:        v.At.UTC().Round(0),
		Source:    v.Source.String(),
		Server:    a.serverName(v.Server),
		Interface: a.links.Name(v.Interface),
		Client:    duidText(v.Client),
		CLT:       instant(v.CLT),
		Rule:      v.Reason.Rule(),
		Reason:    v.Reason.String(),
		Won:       v.Won,
		Other:     duidText(v.Other),
		Remark:    v.Remark,
	}
	if v.Exchange != binding.NoExchange {
		e.Message = v.Exchange.String()
	}
	if v.HasSequence {
		e.Sequence = &v.Sequence
	}
	return e
}
