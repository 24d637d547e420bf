package agent

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"time"

	"leaseroute/agent/control"
	"leaseroute/binding"
	"leaseroute/lqclient"
)

func errAsked(s string) error {
	return fmt.Errorf("%q is neither a prefix (2001:db8:8000::/56) nor an address", s)
}

// duidText is how a DUID is shown: octets in hex, with colons.
func duidText(d []byte) string {
	out := make([]byte, 0, 3*len(d))
	for i, b := range d {
		if i > 0 {
			out = append(out, ':')
		}
		out = hex.AppendEncode(out, []byte{b})
	}
	return string(out)
}

// instant is t for display: nil if it is infinite or unknown.
func instant(t time.Time) *time.Time {
	if t.IsZero() || t.Equal(binding.Forever) {
		return nil
	}
	u := t.UTC().Round(0)
	return &u
}

// address is a for display: "" if there is none.
func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func (a *Agent) serverName(s binding.Server) string {
	if s == 0 || int(s) > len(a.cfg.Servers) {
		return ""
	}
	return a.cfg.Servers[s-1].Name
}

func (a *Agent) showBinding(b binding.Binding) control.Binding {
	out := control.Binding{
		Prefix:         b.Key.Prefix.String(),
		Kind:           b.Key.Kind.String(),
		ClientDUID:     duidText(b.Client),
		Interface:      a.links.Name(b.Interface),
		NextHop:        address(b.NextHop),
		ValidUntil:     instant(b.ValidUntil),
		PreferredUntil: instant(b.PreferredUntil),
		CLT:            instant(b.CLT),
		Server:         a.serverName(b.Server),
		ServerDUID:     duidText(b.ServerDUID),
		Source:         b.Source.String(),
		State:          b.State.String(),
		Reason:         reasonText(b),
		Detail:         b.Detail,
	}
	if b.HasSequence {
		out.SequenceNumber = &b.Sequence
	}
	return out
}

// reasonText says why the binding is in its state.
func reasonText(b binding.Binding) string {
	if b.State == binding.Suspect {
		return b.Doubt.String()
	}
	return b.Reason.String()
}

// showRoute shows the route of b; false if the kernel holds none.
func (a *Agent) showRoute(b binding.Binding) (control.Route, bool) {
	if b.State != binding.Installed && b.State != binding.Suspect {
		return control.Route{}, false
	}
	r := control.Route{
		Prefix:    b.Key.Prefix.String(),
		NextHop:   address(b.NextHop),
		Interface: a.links.Name(b.Interface),
		State:     b.State.String(),
	}
	if a.cfg.Routes.FailSafe && !b.ValidUntil.Equal(binding.Forever) {
		r.Expires = instant(b.ValidUntil.Add(a.cfg.Routes.FailSafeMargin))
	}
	return r, true
}

// status says how the daemon is.
func (a *Agent) status(ctx context.Context) (control.Status, error) {
	s := control.Status{
		Version: a.version, Reloads: a.reloads.count.Load(), Started: a.started.UTC().Round(0), RelayID: duidText(a.relayID),
		Goroutines: runtime.NumGoroutine(),
	}
	// The servers come first: what they said before, the owner has taken in
	// when it answers.
	for n, r := range a.servers {
		s.Servers = append(s.Servers, a.showServer(n, r.Status()))
	}
	var counts binding.Counts
	err := a.call(ctx, func() {
		counts = a.owner.table.Counts()
		s.ChangesPending = a.owner.pending()
		s.State = string(a.owner.recovery.state)
		s.Announcing = a.owner.announce.show()
		if after := a.owner.recovery.after; after != 0 {
			seconds := after.Seconds()
			s.RecoveredAfterSeconds = &seconds
		}
	})
	s.Bindings, s.ByState, s.BySource, s.Refused = counts.Bindings, byState(counts), bySource(counts), byReason(counts)
	s.InDoubt, s.Obstructed, s.Clients, s.Tombstones = counts.Suspects, counts.Obstructed, counts.Clients, counts.Tombstones
	s.RoutesInstalled = counts.States[binding.Installed] + counts.States[binding.Suspect]
	s.Gleaning, s.OnDemand, s.Metrics = a.showGleaning(), a.showOnDemand(), a.showMetrics()
	s.Counters = a.counters(counts)
	return s, err
}

// byState names the states that bindings are in.
func byState(c binding.Counts) map[string]int {
	out := make(map[string]int)
	for i, n := range c.States {
		if n > 0 {
			out[binding.State(i).String()] = n
		}
	}
	return out
}

// bySource names the sources that bindings are from.
func bySource(c binding.Counts) map[string]int {
	out := make(map[string]int)
	for i, n := range c.Sources {
		if n > 0 {
			out[binding.Source(i).String()] = n
		}
	}
	return out
}

// byReason names the reasons for which bindings have no route.
func byReason(c binding.Counts) map[string]int {
	out := make(map[string]int)
	for i, n := range c.Refused {
		if n > 0 {
			out[binding.Reason(i).String()] = n
		}
	}
	return out
}

func (a *Agent) showServer(n int, s lqclient.Status) control.Server {
	out := control.Server{
		Name:             a.cfg.Servers[n].Name,
		Address:          a.cfg.Servers[n].Address.String(),
		DUID:             duidText(s.ServerDUID),
		State:            string(s.State),
		Query:            s.Query,
		LastComplete:     instant(s.LastComplete),
		NextTry:          instant(s.NextTry),
		Rounds:           s.Rounds,
		RequestsServed:   s.Served,
		BindingsReceived: s.Bindings,
		Counters:         maps.Collect(s.Counters.All()),
	}
	if s.Error != nil {
		out.Error = s.Error.Error()
	}
	a.showLookup(n, &out)
	return out
}
