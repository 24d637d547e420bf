package agent

import (
	"net/http"

	"leaseroute/agent/control"
)

// serveNames answers with what a command line may be completed by.
func (a *Agent) serveNames(w http.ResponseWriter, _ *http.Request) {
	names := control.Names{Interfaces: []string{}, Servers: []string{}}
	for _, i := range a.links.Interfaces() {
		if i.Access || i.Core {
			names.Interfaces = append(names.Interfaces, i.Name)
		}
	}
	for _, s := range a.cfg.Servers {
		names.Servers = append(names.Servers, s.Name)
	}
	control.Reply(w, names)
}
