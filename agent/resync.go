package agent

import (
	"net/netip"
	"slices"

	"leaseroute/binding"
	"leaseroute/config"
	"leaseroute/lqclient"
	"leaseroute/routes"
)

// resyncLink asks all servers again about the links of one interface. It came
// up or appeared, and what was leased through it meanwhile is not known; or it
// has other addresses, and what is leased on their links never was: at boot an
// interface often gets its address after we start.
func (o *owner) resyncLink(i binding.Interface) {
	of := linksOn(i, o.askFor())
	if len(of) == 0 {
		return
	}
	for _, s := range o.servers {
		s.Resync(of)
	}
}

// linksOn returns those of links that are on interface i: none if that is not
// known.
func linksOn(i binding.Interface, links []lqclient.Link) []lqclient.Link {
	return slices.DeleteFunc(links, func(l lqclient.Link) bool { return i == 0 || l.Interface != i })
}

// linksOf returns the function that says which link-addresses to ask for now:
// what the configuration names, else the global addresses of the access
// interfaces.
func linksOf(cfg *config.Config, links *routes.Links) func() []lqclient.Link {
	return func() []lqclient.Link { return LinksFor(cfg, links) }
}

// LinksFor says which link-addresses a daemon with this configuration would
// ask for now, and the interface of each: 0 if none is known.
func LinksFor(cfg *config.Config, links *routes.Links) []lqclient.Link {
	var out []lqclient.Link
	if cfg.Links != nil {
		for _, a := range cfg.Links {
			out = append(out, lqclient.Link{Address: a, Interface: links.ResolveAddress(a)})
		}
		return out
	}
	for _, i := range links.Interfaces() {
		if !i.Access {
			continue
		}
		for _, p := range i.Addresses {
			if askable(p.Addr()) {
				out = append(out, lqclient.Link{Address: p.Addr(), Interface: i.Number})
			}
		}
	}
	return out
}

// askable reports whether a may stand as a link-address (R8).
func askable(a netip.Addr) bool {
	return a.Is6() && a.IsGlobalUnicast() && !a.IsLinkLocalUnicast()
}
