package agent

import (
	"net/netip"
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/agent/doctor"
	"leaseroute/binding"
	"leaseroute/config"
	"leaseroute/lqclient"
	"leaseroute/lqclient/wire"
	"leaseroute/routes"
)

// NewLinks makes the resolver of next hops that the configuration asks for.
func NewLinks(cfg *config.Config, relayID []byte) *routes.Links {
	return routes.NewLinks(linksOptions(cfg, relayID))
}

func linksOptions(cfg *config.Config, relayID []byte) routes.LinksOptions {
	o := routes.LinksOptions{Access: cfg.Interfaces.Access, Core: cfg.Interfaces.Core, RelayID: relayID}
	for _, m := range cfg.Interfaces.InterfaceIDs {
		o.InterfaceIDs = append(o.InterfaceIDs, routes.InterfaceID{ID: m.ID, Interface: m.Interface})
	}
	return o
}

func routeOptions(cfg *config.Config) routes.Options {
	return routes.Options{
		Table:          cfg.Routes.Table,
		Protocol:       cfg.Routes.Protocol,
		Metric:         cfg.Routes.Metric,
		Allowed:        cfg.Delegation.Allowed,
		Blackhole:      cfg.Routes.Blackhole,
		FailSafe:       cfg.Routes.FailSafe,
		FailSafeMargin: cfg.Routes.FailSafeMargin,
		InstallRate:    cfg.Routes.InstallRate,
	}
}

func policy(cfg *config.Config) binding.Policy {
	p := binding.Policy{
		Allowed:      cfg.Delegation.Allowed,
		MinLength:    cfg.Delegation.MinLength,
		MaxLength:    cfg.Delegation.MaxLength,
		MaxPerClient: cfg.Delegation.MaxPrefixesPerClient,
		MaxPerPort:   cfg.Delegation.MaxPrefixesPerPort,
		MaxValid:     cfg.Delegation.MaxValid,
		HoldDoubtful: cfg.Delegation.HoldDoubtful,
		MaxBindings:  cfg.Delegation.MaxBindings,
		AdoptHold:    cfg.Routes.AdoptHold,
		CheckBefore:  cfg.OnDemand.CheckBefore,
	}
	if cfg.Routes.FailSafe {
		p.FailSafeMargin = cfg.Routes.FailSafeMargin
	}
	return p
}

// queryTypes has the wire's name of each query type that an operator writes.
var queryTypes = map[config.QueryType]wire.QueryType{
	config.ByRelayID:     wire.ByRelayID,
	config.ByLinkAddress: wire.ByLinkAddress,
	config.ByRemoteID:    wire.ByRemoteID,
}

func server(n int, s config.Server, o config.OnDemand) lqclient.Server {
	out := lqclient.Server{
		Number:         binding.Server(n + 1),
		Name:           s.Name,
		Address:        s.Address,
		Source:         s.Source,
		DUID:           s.DUID,
		QueryAll:       s.QueryAll,
		Concurrent:     s.ConcurrentQueries,
		SequenceOption: s.SequenceOption,
		ConnectTimeout: s.ConnectTimeout,
		DataTimeout:    s.DataTimeout,
		SuspectRate:    s.SuspectRate,
		NoBulk:         !s.Bulk,
		Lookup:         s.Lookup,
		Outstanding:    o.Outstanding,
		LookupRate:     float64(o.Rate),
	}
	for _, q := range s.Queries {
		out.Queries = append(out.Queries, queryTypes[q])
	}
	return out
}

// requestors makes one requestor for each server; what they learn is observed.
// A server about which nothing has changed keeps its own.
func (a *Agent) requestors() []*lqclient.Requestor {
	var all []*lqclient.Requestor
	for n, s := range a.cfg.Servers {
		if kept := a.pool.requestors[s.Name]; kept != nil {
			kept.Renumber(binding.Server(n + 1))
			all = append(all, kept)
			continue
		}
		all = append(all, lqclient.New(server(n, s, a.cfg.OnDemand), lqclient.Options{
			ClientID:       a.relayID,
			RelayID:        a.relayID,
			Links:          func() []lqclient.Link { return LinksFor(a.cfg, a.links) },
			RemoteIDs:      a.cfg.RemoteIDs,
			Resolve:        func(r []binding.Relay) (binding.Interface, netip.Addr) { return a.links.Resolve(r) },
			ResolveAddress: func(x netip.Addr) binding.Interface { return a.links.ResolveAddress(x) },
			Out:            a.observed,
			Port:           a.ports[portSource(s)],
			Suspects:       a.suspects,
			Jitter:         a.cfg.Recovery.Jitter,
			Log:            a.log.WithField("server", s.Name),
		}))
	}
	return all
}

func newRecovery(cfg *config.Config, started time.Time, servers []*lqclient.Requestor, log *logrus.Entry) *recovery {
	noRounds := make([]bool, len(servers))
	for n, s := range cfg.Servers {
		noRounds[n] = !s.Bulk
	}
	return &recovery{
		state:    Starting,
		started:  started,
		complete: make([]bool, len(servers)),
		noRounds: noRounds,
		servers:  servers,
		giveUp:   cfg.Recovery.GiveUp,
		reached:  make(chan struct{}),
		log:      log,
	}
}

// Patient is what the doctor examines of a configuration, on this box.
func Patient(cfg *config.Config, relayID []byte, links *routes.Links) *doctor.Patient {
	p := &doctor.Patient{
		Config: cfg, RelayID: relayID, Links: links, Routes: routeOptions(cfg), Ask: LinksFor(cfg, links), Root: "/",
	}
	for n, s := range cfg.Servers {
		p.Servers = append(p.Servers, server(n, s, cfg.OnDemand))
	}
	return p
}
