package agent

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"

	"leaseroute/agent/control"
	"leaseroute/binding"
	"leaseroute/lqclient"
)

// page is how many bindings are read from the table in one call of the owner,
// so that showing a million of them holds nothing up.
const page = 4096

// handler answers on the control socket.
func (a *Agent) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", a.serveStatus)
	mux.HandleFunc("GET /v1/bindings", a.serveBindings)
	mux.HandleFunc("GET /v1/routes", a.serveRoutes)
	mux.HandleFunc("GET /v1/explain", a.serveExplain)
	mux.HandleFunc("POST /v1/resync", a.serveResync)
	mux.HandleFunc("POST /v1/lookup", a.serveLookup)
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

// serveBindings streams one array of all bindings, sorted by prefix.
func (a *Agent) serveBindings(w http.ResponseWriter, r *http.Request) {
	serveArray(a, w, r, func(b binding.Binding) (control.Binding, bool) { return a.showBinding(b), true })
}

// serveRoutes streams one array of the routes that the kernel holds for us.
func (a *Agent) serveRoutes(w http.ResponseWriter, r *http.Request) {
	serveArray(a, w, r, a.showRoute)
}

// serveArray streams what show makes of each binding, leaving out those for
// which it says false.
func serveArray[T any](a *Agent, w http.ResponseWriter, r *http.Request, show func(binding.Binding) (T, bool)) {
	keys, err := a.keys(r)
	if err != nil {
		control.Refuse(w, http.StatusServiceUnavailable, "%v", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	separator := []byte("[")
	for part := range slices.Chunk(keys, page) {
		found, err := a.read(r, part)
		if err != nil {
			return // the daemon stops, or the reader has gone: the array stays open, and so invalid
		}
		for _, b := range found {
			v, ok := show(b)
			if !ok {
				continue
			}
			if _, err := w.Write(separator); err != nil {
				return
			}
			separator = []byte(",")
			if out.Encode(v) != nil {
				return
			}
		}
	}
	if separator[0] == '[' {
		_, _ = w.Write(separator)
	}
	_, _ = w.Write([]byte("]\n"))
}

// keys lists the leases in the table, sorted.
func (a *Agent) keys(r *http.Request) ([]binding.Key, error) {
	var keys []binding.Key
	err := a.call(r.Context(), func() {
		for b := range a.owner.table.All() {
			keys = append(keys, b.Key)
		}
	})
	slices.SortFunc(keys, func(x, y binding.Key) int {
		if c := x.Prefix.Compare(y.Prefix); c != 0 {
			return c
		}
		return int(x.Kind) - int(y.Kind)
	})
	return keys, err
}

// read returns the bindings of keys, without those that have gone meanwhile.
func (a *Agent) read(r *http.Request, keys []binding.Key) ([]binding.Binding, error) {
	out := make([]binding.Binding, 0, len(keys))
	err := a.call(r.Context(), func() {
		for _, k := range keys {
			if b, ok := a.owner.table.Get(k); ok {
				out = append(out, b)
			}
		}
	})
	return out, err
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
