package agent

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"leaseroute/agent/control"
	"leaseroute/agent/ondemand"
	"leaseroute/binding"
	"leaseroute/lqclient"
)

// answerFor is how long a lookup waits for the kernel to answer about a route.
const answerFor = time.Second

// serveLookup asks the servers about ?address= and answers with what each said.
func (a *Agent) serveLookup(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query().Get("address")
	target, err := netip.ParseAddr(asked)
	if err != nil || target.Zone() != "" || !askable(target) {
		control.Refuse(w, http.StatusBadRequest, "%q is no global IPv6 address: give one inside a delegated prefix, or the prefix's first", asked)
		return
	}
	replies, err := a.engine.Ask(r.Context(), target)
	switch {
	case errors.Is(err, ondemand.ErrOutside):
		control.Refuse(w, http.StatusConflict, "%v", err)
		return
	case err != nil:
		control.Refuse(w, http.StatusServiceUnavailable, "%v", err)
		return
	}
	answer := control.Lookup{Asked: asked, Replies: []control.LookupReply{}}
	for _, reply := range replies {
		answer.Replies = append(answer.Replies, a.showReply(reply))
	}
	if answer.Binding, err = a.covering(r.Context(), target); err != nil {
		control.Refuse(w, http.StatusServiceUnavailable, "%v", err)
		return
	}
	control.Reply(w, answer)
}

// covering shows what covers an address once the kernel has answered about its
// route, which it does within milliseconds; nil if nothing does.
func (a *Agent) covering(ctx context.Context, address netip.Addr) (shown *control.Binding, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerFor)
	defer cancel()
	tick := time.NewTicker(answerFor / 200)
	defer tick.Stop()
	for {
		pending := false
		err = a.call(ctx, func() {
			shown = nil
			if b, ok := a.owner.table.Lookup(address); ok {
				view := a.showBinding(b)
				shown, pending = &view, b.State == binding.Pending
			}
		})
		if err != nil || !pending {
			return shown, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return shown, nil
		}
	}
}

func (a *Agent) showReply(r lqclient.Reply) control.LookupReply {
	out := control.LookupReply{Server: a.serverName(r.Server), Took: r.Took.Seconds(), Leases: []control.LookupLease{}}
	for _, l := range r.Leases {
		out.Leases = append(out.Leases, control.LookupLease{
			Prefix:     l.Key.Prefix.String(),
			Kind:       l.Key.Kind.String(),
			ClientDUID: duidText(l.Client),
			ValidUntil: instant(l.ValidUntil),
			Interface:  a.links.Name(l.Interface),
			NextHop:    address(l.NextHop),
		})
	}
	var status *lqclient.StatusError
	switch {
	case errors.As(r.Err, &status):
		out.Said, out.Error = status.Code.String(), r.Err.Error()
	case r.Err != nil:
		out.Error = r.Err.Error()
	case r.Denies():
		out.Said = "nothing"
	default:
		out.Said = "held"
	}
	return out
}

// showOnDemand says whether unknown addresses are noticed.
func (a *Agent) showOnDemand() control.OnDemand {
	out := control.OnDemand{State: "armed", Mode: "accept"}
	if a.cfg.OnDemand.Guard {
		out.Mode = "guard"
	}
	switch err := a.engine.Err(); {
	case !a.cfg.OnDemand.Enabled:
		out.State = "off"
	case err != nil:
		out.State, out.Error = "failed", err.Error()
	}
	return out
}

// showLookup says whether a server can be asked over UDP.
func (a *Agent) showLookup(n int, out *control.Server) {
	s := a.cfg.Servers[n]
	switch {
	case !s.Lookup:
		out.Lookup = "off"
		return
	case a.servers[n].Silent():
		out.Lookup = "silent"
	default:
		out.Lookup = "ready"
	}
	if err := a.ports[portSource(s)].Err(); err != nil {
		out.Lookup, out.LookupError = "closed", err.Error()
	}
}
