package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"leaseroute/binding"
	"leaseroute/config"
	"leaseroute/gleaner"
	"leaseroute/routes"
)

// newGleaner makes the gleaner that the configuration asks for; nil if it
// asks for none. What it learns goes to out; changed tells it that interfaces
// came or went.
func (a *Agent) newGleaner(out chan<- *binding.Batch, changed <-chan struct{}) *gleaner.Gleaner {
	if !a.cfg.Glean.Enabled {
		return nil
	}
	return gleaner.New(gleaner.Options{
		Servers:         gleanFrom(a.cfg),
		Interfaces:      func() []gleaner.Interface { return gleanOn(a.links) },
		Changed:         changed,
		Resolve:         a.links.Resolve,
		Out:             out,
		Question:        a.inquire,
		Buffer:          a.cfg.Glean.Buffer,
		Outgoing:        a.cfg.Glean.Outgoing,
		MaxTransactions: a.cfg.Glean.MaxTransactions,
		Log:             a.log,
	})
}

// gleanFrom are the servers whose Replies teach.
func gleanFrom(cfg *config.Config) []gleaner.Server {
	var out []gleaner.Server
	for n, s := range cfg.Servers {
		out = append(out, gleaner.Server{
			Number:         binding.Server(n + 1),
			Address:        s.Address.Addr(),
			DUID:           s.DUID,
			SequenceOption: s.SequenceOption,
			NotifyOption:   s.NotifyOption,
		})
	}
	return out
}

// gleanOn are the interfaces as the gleaner wants to know them.
func gleanOn(links *routes.Links) []gleaner.Interface {
	all := links.Interfaces()
	out := make([]gleaner.Interface, 0, len(all))
	for _, i := range all {
		addresses := slices.Clone(i.Addresses)
		for _, a := range i.LinkLocal {
			addresses = append(addresses, netip.PrefixFrom(a, a.BitLen())) // its link is no place by itself
		}
		out = append(out, gleaner.Interface{
			Name: i.Name, Index: i.Index, Number: i.Number,
			Access: i.Access, Core: i.Core,
			Addresses: addresses, PointToPoint: i.PointToPoint,
		})
	}
	return out
}

// inquire has every server asked about a client whose exchange can't be
// learnt from.
func (a *Agent) inquire(client []byte, _ binding.Interface) {
	for _, s := range a.servers {
		s.Inquire(client)
	}
}

// glean runs the gleaner. Where it may not watch, the rest of the daemon works
// all the same, and says so.
func (a *Agent) glean(ctx context.Context) error {
	err := a.gleaner.Run(ctx)
	if errors.Is(err, os.ErrPermission) {
		close(a.blind)
		a.log.WithError(err).Error("not gleaning: watching DHCP traffic needs CAP_NET_RAW; leases are learnt from the servers alone")
		<-ctx.Done()
		return nil
	}
	if err != nil {
		return fmt.Errorf("glean: %w", err)
	}
	return nil
}

// gleaning reports whether the wire is watched.
func (a *Agent) gleaning() bool {
	select {
	case <-a.blind:
		return false
	default:
		return a.gleaner != nil
	}
}

// showGleaning says whether the wire is watched.
func (a *Agent) showGleaning() string {
	switch {
	case a.gleaning():
		return "watching"
	case a.cfg.Glean.Enabled:
		return "failed"
	}
	return "off"
}

// watch waits until the wire is watched and unknown addresses are noticed, or
// it is known that they won't be. It reports false when ctx has ended.
func (a *Agent) watch(ctx context.Context) bool {
	select {
	case <-a.engine.Settled():
	case <-ctx.Done():
		return false
	}
	if a.gleaner == nil {
		return true
	}
	select {
	case <-a.gleaner.Ready():
	case <-a.blind:
	case <-ctx.Done():
		return false
	}
	return true
}
