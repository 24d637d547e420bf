package agent

import (
	"net/http"
	"net/netip"

	"leaseroute/agent/control"
	"leaseroute/lqclient"
)

// handler answers on the control socket.
func (a *Agent) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", a.serveStatus)
	mux.HandleFunc("GET /v1/bindings", a.serveBindings)
	mux.HandleFunc("GET /v1/routes", a.serveRoutes)
	mux.HandleFunc("GET /v1/queries", a.serveQueries)
	mux.HandleFunc("GET /v1/watch", a.serveWatch)
	mux.HandleFunc("GET /v1/names", a.serveNames)
	mux.HandleFunc("GET /v1/explain", a.serveExplain)
	mux.HandleFunc("POST /v1/resync", a.serveResync)
	mux.HandleFunc("POST /v1/lookup", a.serveLookup)
	mux.HandleFunc("GET /v1/clear", a.serveClear)
	mux.HandleFunc("POST /v1/clear", a.serveClear)
	mux.HandleFunc("GET /v1/log/level", a.serveLogLevel)
	mux.HandleFunc("POST /v1/log/level", a.serveLogLevel)
	mux.HandleFunc("POST /v1/reload", a.serveReload)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		control.Refuse(w, http.StatusNotFound, "nothing is served at %s %s", r.Method, r.URL.Path)
	})
	return mux
}

func (a *Agent) serveStatus(w http.ResponseWriter, r *http.Request) {
	s, err := a.status(r.Context())
	if err != nil {
		control.Refuse(w, http.StatusServiceUnavailable, "%v", err)
		return
	}
	control.Reply(w, s)
}

// serveResync asks all servers, or with ?interface=NAME only for its links.
func (a *Agent) serveResync(w http.ResponseWriter, r *http.Request) {
	var links []lqclient.Link
	if name := r.URL.Query().Get("interface"); name != "" {
		if links = linksOn(a.links.Number(name), LinksFor(a.cfg, a.links)); len(links) == 0 {
			control.Refuse(w, http.StatusConflict, "interface %s: no link-address to ask for: it is no access interface, is not there, or has no global address; see 'leaseroute check'", name)
			return
		}
	}
	answer := control.Resync{Requests: make(map[string]uint64)}
	for n, s := range a.servers {
		answer.Requests[a.cfg.Servers[n].Name] = s.Resync(links)
	}
	control.Reply(w, answer)
}

// serveExplain tells the story of ?of=PREFIX or ADDRESS.
func (a *Agent) serveExplain(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query().Get("of")
	p, err := parseAsked(asked)
	if err != nil {
		control.Refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	e, err := a.explain(r.Context(), p)
	if err != nil {
		control.Refuse(w, http.StatusServiceUnavailable, "%v", err)
		return
	}
	e.Asked = asked
	control.Reply(w, e)
}

// parseAsked reads a prefix, or an address as the prefix of full length.
func parseAsked(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, errAsked(s)
	}
	return netip.PrefixFrom(a.WithZone(""), a.BitLen()), nil
}
