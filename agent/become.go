package agent

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"leaseroute/binding"
	"leaseroute/config"
	"leaseroute/lqclient"
	"leaseroute/routes"
)

// A pool is what outlives a configuration.
type pool struct {
	table      *binding.Table // nil: this is the first
	changes    []binding.Change
	recovery   *recovery
	requestors map[string]*lqclient.Requestor // by the server's name: those about whom nothing has changed
	ports      map[netip.Addr]*lqclient.Port
	announce   *announcer
	appeared   []binding.Interface // access interfaces that were none before
	askAll     bool                // what to ask for has changed
}

// errReloaded is why changes that the installer had were not answered.
var errReloaded = errors.New("the configuration was reloaded meanwhile")

// become makes the next configuration ours, between two lives: no goroutine of
// the daemon runs.
func (a *Agent) become(next *generation) {
	now, old, o := time.Now(), a.cfg, a.owner
	oldLinks := a.links
	lost, losers, err := a.kernel.Losses()
	o.announce.inherit(now, next.cfg.Routes.AnnounceRate, result{lost: lost, losers: losers, err: err})
	a.kernel.Close()
	a.cfg, a.links, a.kernel = next.cfg, next.links, next.kernel
	o.drain()
	a.pool = pool{table: o.table, recovery: o.recovery, changes: o.changes, announce: o.announce}
	o.table.Record(now, o.lent, allFailed(o.lent, errReloaded)) // the audit finds out what became of them
	a.keepPorts(old)
	a.keepRequestors(old)
	o.table.Renumber(renumbering(old, a.cfg))
	a.pool.changes = o.table.Reconsider(now, policy(a.cfg), a.pool.changes)
	for _, i := range oldLinks.Interfaces() {
		if i.Access && !a.isAccess(i.Name) {
			a.pool.changes = o.table.Abandon(now, i.Number, a.pool.changes)
		}
	}
	for _, i := range a.links.Interfaces() {
		if i.Access && !slices.ContainsFunc(oldLinks.Interfaces(), func(j routes.Interface) bool { return j.Name == i.Name && j.Access }) {
			a.pool.changes = o.table.InterfaceUp(now, i.Number, a.pool.changes)
			a.pool.appeared = append(a.pool.appeared, i.Number)
		}
	}
	a.pool.askAll = !slices.Equal(old.Links, a.cfg.Links)
	if a.reloads.relog != nil {
		a.reloads.relog(a.cfg.Log)
	}
}

func (a *Agent) isAccess(name string) bool {
	for _, i := range a.links.Interfaces() {
		if i.Name == name {
			return i.Access
		}
	}
	return true // it is gone, which is another matter
}

// keepPorts leaves in the pool the UDP ports that are still wanted.
func (a *Agent) keepPorts(old *config.Config) {
	a.pool.ports = make(map[netip.Addr]*lqclient.Port)
	for _, s := range a.cfg.Servers {
		if p := a.ports[portSource(s)]; s.Lookup && p != nil && old.OnDemand.LocalPort == a.cfg.OnDemand.LocalPort {
			a.pool.ports[portSource(s)] = p
		}
	}
}

// keepRequestors leaves in the pool the requestors of those servers about whom
// nothing has changed.
func (a *Agent) keepRequestors(old *config.Config) {
	a.pool.requestors = make(map[string]*lqclient.Requestor)
	same := old.OnDemand.Outstanding == a.cfg.OnDemand.Outstanding && old.OnDemand.Rate == a.cfg.OnDemand.Rate &&
		reflect.DeepEqual(old.RemoteIDs, a.cfg.RemoteIDs)
	for n, s := range old.Servers {
		if i := serverAt(a.cfg, s.Name); same && i >= 0 && reflect.DeepEqual(s, a.cfg.Servers[i]) &&
			a.ports[portSource(s)] == a.pool.ports[portSource(s)] {
			a.pool.requestors[s.Name] = a.servers[n]
		}
	}
}

// serverAt finds a server by its name; -1 if it is not there.
func serverAt(cfg *config.Config, name string) int {
	return slices.IndexFunc(cfg.Servers, func(s config.Server) bool { return s.Name == name })
}

// renumbering says which number a server of the old configuration has in the
// new one.
func renumbering(old, now *config.Config) func(binding.Server) binding.Server {
	return func(s binding.Server) binding.Server {
		if s == 0 || int(s) > len(old.Servers) {
			return 0
		}
		return binding.Server(serverAt(now, old.Servers[s-1].Name) + 1)
	}
}

// table is the one of the life before, or a new one.
func (a *Agent) table() *binding.Table {
	if a.pool.table != nil {
		return a.pool.table
	}
	return binding.New(policy(a.cfg), time.Now())
}

// announcer is the one of the life before, or a new one.
func (a *Agent) announcer() *announcer {
	if a.pool.announce != nil {
		return a.pool.announce
	}
	n := newAnnouncer(a.cfg.Routes.AnnounceRate, a.log)
	if a.unheard() {
		n.resume(time.Now())
	}
	return n
}

// resumeRecovery is newRecovery, with what is known from the life before: the
// servers that completed their rounds need not do so again.
func (a *Agent) resumeRecovery() *recovery {
	r := newRecovery(a.cfg, a.started, a.servers, a.log)
	before := a.pool.recovery
	if before == nil {
		return r
	}
	r.state, r.after, r.reached = before.state, before.after, before.reached
	for n, s := range a.servers {
		for m, t := range before.servers {
			if s == t && before.complete[m] {
				r.complete[n] = true
			}
		}
	}
	return r
}

// catchUp asks for what a new configuration lets us ask for.
func (o *owner) catchUp(p *pool) {
	for _, s := range o.servers {
		if p.askAll {
			s.Resync(nil)
		}
	}
	for _, i := range p.appeared {
		o.resyncLink(i)
	}
}
