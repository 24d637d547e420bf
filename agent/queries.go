package agent

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"leaseroute/agent/control"
	"leaseroute/agent/ondemand"
	"leaseroute/binding"
)

// The kinds of queries, in the order in which they are shown.
const (
	kindRound    = "round"    // a server is asked for everything
	kindLookup   = "lookup"   // all servers are asked about one address
	kindNegative = "negative" // an address is not asked about for a while
	kindSuspect  = "suspect"  // a binding in doubt, about which its server is asked
)

// serveQueries streams one array of what the servers are asked, were asked of
// late, and are not asked again for a while.
func (a *Agent) serveQueries(w http.ResponseWriter, r *http.Request) {
	params := r.URL.Query()
	states, kinds := params["state"], params["kind"]
	params.Del("state") // these states are not those of bindings
	f, err := a.parseFilter(params)
	_, err = each(kinds, err, parseKind)
	if err != nil {
		control.Refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	view, err := a.engine.View(r.Context())
	if err != nil {
		control.Refuse(w, http.StatusServiceUnavailable, "%v", err)
		return
	}
	if !a.lists.TryAcquire(1) {
		control.Refuse(w, http.StatusServiceUnavailable, "%d lists are being sent already: try again", maxLists)
		return
	}
	defer a.lists.Release(1)
	out := newArray(w)
	wants := func(q control.Query) bool { return has(kinds, q.Kind) && has(states, q.State) }
	for _, q := range a.servedQueries(view, &f) {
		if wants(q) && out.add(q) != nil {
			return
		}
	}
	if has(kinds, kindSuspect) {
		f.doubted = true
		keys, err := a.keys(r.Context(), &f)
		if err != nil {
			return // the array stays open, and so invalid
		}
		show := func(b binding.Binding) (control.Query, bool) { q := a.showSuspect(b); return q, wants(q) }
		if sendBindings(r.Context(), a, keys, &f, out, show) != nil {
			return
		}
	}
	out.end()
}

func parseKind(name string) (string, error) {
	switch name {
	case kindRound, kindLookup, kindNegative, kindSuspect:
		return name, nil
	}
	return "", fmt.Errorf("kind %q: choose round, lookup, negative or suspect", name)
}

// servedQueries are all queries but those about suspects. What a filter asks
// of a client leaves only suspects.
func (a *Agent) servedQueries(v ondemand.View, f *filter) []control.Query {
	var out []control.Query
	if len(f.clients) > 0 {
		return nil
	}
	if len(f.within) == 0 && len(f.interfaces) == 0 {
		for n := range a.servers {
			if has(f.servers, binding.Server(n+1)) {
				out = append(out, a.showRound(n))
			}
		}
	}
	names := a.interfaceNames()
	for _, flight := range v.Flights {
		if f.wantsFlight(flight, names, a.links.Number) {
			out = append(out, a.showFlight(flight, names))
		}
	}
	if len(f.servers) == 0 && len(f.interfaces) == 0 {
		slices.SortFunc(v.Negatives, func(x, y ondemand.Negative) int { return x.Place.Compare(y.Place) })
		for _, n := range v.Negatives {
			if f.wantsPlace(n.Place) {
				out = append(out, control.Query{Kind: kindNegative, State: "held off", Asked: n.Place.String(), Until: instant(n.Until)})
			}
		}
	}
	return out
}

// interfaceNames are the names of the interfaces of now by the kernel's index.
func (a *Agent) interfaceNames() map[int]string {
	names := make(map[int]string)
	for _, i := range a.links.Interfaces() {
		names[i.Index] = i.Name
	}
	return names
}

// wantsFlight reports whether a lookup is wanted: of a server, one that this
// server was found to hold.
func (f *filter) wantsFlight(l ondemand.Flight, names map[int]string, number func(string) binding.Interface) bool {
	return has(f.servers, l.Holder) && f.wantsPlace(netip.PrefixFrom(l.Address, l.Address.BitLen())) &&
		has(f.interfaces, number(names[l.Interface]))
}

func (a *Agent) showRound(n int) control.Query {
	s := a.servers[n].Status()
	q := control.Query{
		Kind: kindRound, State: string(s.State), Server: a.cfg.Servers[n].Name, Asked: s.Query,
		Since: instant(s.LastComplete), Until: instant(s.NextTry),
	}
	if s.Error != nil {
		q.Reason = s.Error.Error()
	}
	return q
}

func (a *Agent) showFlight(l ondemand.Flight, names map[int]string) control.Query {
	return control.Query{
		Kind: kindLookup, State: cmp.Or(l.Verdict, "under way"), Server: a.serverName(l.Holder), Asked: l.Address.String(),
		Interface: names[l.Interface], Since: instant(l.Began), Until: instant(l.Ended),
	}
}

func (a *Agent) showSuspect(b binding.Binding) control.Query {
	return control.Query{
		Kind: kindSuspect, State: "in doubt", Server: a.serverName(b.Server), Asked: b.Key.Prefix.String(),
		Interface: a.links.Name(b.Interface), ClientDUID: duidText(b.Client), Since: instant(b.Received), Until: instant(b.ValidUntil), Reason: b.Doubt.String(),
	}
}
