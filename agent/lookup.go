package agent

import (
	"context"
	"net/netip"

	"golang.org/x/sync/errgroup"

	"leaseroute/agent/ondemand"
	"leaseroute/binding"
	"leaseroute/config"
	"leaseroute/lqclient"
	"leaseroute/routes"
)

// newPorts makes the UDP ports that the servers are asked from: one for each
// address of ours that the configuration names.
func (a *Agent) newPorts() {
	a.ports = a.pool.ports
	if a.ports == nil {
		a.ports = make(map[netip.Addr]*lqclient.Port)
	}
	for _, s := range a.cfg.Servers {
		if source := portSource(s); s.Lookup && a.ports[source] == nil {
			a.ports[source] = lqclient.NewPort(netip.AddrPortFrom(source, a.cfg.OnDemand.LocalPort), a.log)
		}
	}
}

// portSource is the address of the port that a server is asked from.
func portSource(s config.Server) netip.Addr {
	if s.Source.IsValid() {
		return s.Source
	}
	return netip.IPv6Unspecified()
}

// newEngine makes what asks about single addresses, and if the configuration
// wants it, what notices the unknown ones.
func (a *Agent) newEngine(changed <-chan struct{}) *ondemand.Engine {
	o := a.cfg.OnDemand
	options := ondemand.EngineOptions{
		Lookup:        a.lookUp,
		Cover:         a.cover,
		Allowed:       a.cfg.Delegation.Allowed,
		Length:        a.cfg.Delegation.MaxLength,
		Rate:          float64(o.Rate),
		InterfaceRate: float64(o.InterfaceRate),
		Outstanding:   o.Outstanding,
		NegativeTTL:   o.NegativeTTL,
		NoAnswerTTL:   o.NoAnswerTTL,
		MaxNegative:   o.MaxNegative,
		Log:           a.log,
	}
	if o.Enabled {
		options.Detector = a.newDetector(changed)
	}
	return ondemand.NewEngine(options)
}

// newDetector makes what notices unknown addresses; changed tells it that
// interfaces came or went.
func (a *Agent) newDetector(changed <-chan struct{}) ondemand.Detector {
	o := a.cfg.OnDemand
	rate := func(perSecond int) ondemand.Rate {
		return ondemand.Rate{PerSecond: uint64(perSecond), Burst: uint32(perSecond)}
	}
	// The engine allows an interface no more than both together: what it had to
	// turn away would be as likely a host that the second bucket has found.
	half := rate(max(1, o.InterfaceRate/2))
	mac := rate(o.MACRate)
	mac.Burst = uint32(max(5, o.MACRate)) // a host tries a few of its addresses at once
	return ondemand.NewNFT(ondemand.Options{
		Table:      o.Table,
		Group:      o.Group,
		Access:     a.cfg.Interfaces.Access,
		Core:       a.cfg.Interfaces.Core,
		Interfaces: func() []ondemand.Interface { return interfacesOf(a.links) },
		Changed:    changed,
		Blocks:     a.cfg.Delegation.Allowed,
		Mask6:      a.cfg.Delegation.MaxLength,
		Guard:      o.Guard,
		Keep:       o.Keep,
		Rates: ondemand.Rates{
			MAC:          mac,
			First:        half,
			Second:       half,
			Destinations: half,
			Candidates:   rate(o.CandidateRate),
			Total:        rate(o.Rate),
		},
		Sizes: ondemand.Sizes{
			Verified:   uint32(o.MaxVerified),
			Pending:    uint32(o.MaxPending),
			Candidates: uint32(o.MaxCandidates),
		},
		Pend: o.PendingTime,
		Log:  a.log,
	})
}

func interfacesOf(links *routes.Links) []ondemand.Interface {
	all := links.Interfaces()
	out := make([]ondemand.Interface, 0, len(all))
	for _, i := range all {
		out = append(out, ondemand.Interface{Name: i.Name, Addresses: i.Addresses})
	}
	return out
}

// lookUp asks the servers about a target, as the configuration says.
func (a *Agent) lookUp(ctx context.Context, t lqclient.Target) []lqclient.Reply {
	var able []*lqclient.Requestor
	for n, s := range a.servers {
		if a.cfg.Servers[n].Lookup {
			able = append(able, s)
		}
	}
	return lqclient.Lookup(ctx, able, t, a.cfg.OnDemand.InOrder)
}

// cover says which lease covers an address, after all that was learnt so far.
func (a *Agent) cover(ctx context.Context, address netip.Addr) (c ondemand.Cover, err error) {
	err = a.call(ctx, func() {
		if b, ok := a.owner.table.Lookup(address); ok {
			c = ondemand.Cover{Key: b.Key, Server: b.Server, Routed: routed(b), Interface: b.Interface, NextHop: b.NextHop}
		}
	})
	return c, err
}

// routed reports whether a binding's route is in the kernel, or on its way.
func routed(b binding.Binding) bool {
	return b.State == binding.Installed || b.State == binding.Suspect || b.State == binding.Pending
}

// sweep takes out the rules that an earlier run with on-demand lookups left.
func (a *Agent) sweep() {
	log := a.log.WithField("table", a.cfg.OnDemand.Table)
	switch found, err := ondemand.Sweep(a.cfg.OnDemand.Table); {
	case found && err == nil:
		log.Info("on demand is off; the rules that an earlier run left are removed")
	case found:
		log.WithError(err).Error("on demand is off, but the rules that an earlier run left are still there")
	}
}

// runLookups runs the ports and the engine.
func (a *Agent) runLookups(ctx context.Context) error {
	if !a.cfg.OnDemand.Enabled {
		a.sweep()
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range a.ports {
		g.Go(func() error { return p.Run(ctx) })
	}
	g.Go(func() error { return a.engine.Run(ctx) })
	return g.Wait()
}

// tellEngine lets the engine know what changes mean to it: what is routed now
// is no longer unknown, and what one server denies another may hold.
func tellEngine(e *ondemand.Engine, changes []binding.Change, others bool) {
	for i := range changes {
		switch c := &changes[i]; {
		case c.Op == binding.Install, c.Op == binding.Move:
			e.Learned(c.Key.Prefix)
		case c.Op == binding.Withdraw && c.Reason == binding.DeniedByServer && others:
			e.Notice(c.Key.Prefix.Addr())
		}
	}
}
