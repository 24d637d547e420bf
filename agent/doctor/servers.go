package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/lqclient"
	"leaseroute/lqclient/wire"
)

const (
	patience = 3 * time.Second // for a server's answer
	enough   = 200             // leases are enough to judge an answer by
)

var errEnough = errors.New("that is enough")

// lookAtServers asks each server what it would be asked.
func lookAtServers(ctx context.Context, p *Patient) []Finding {
	var found []Finding
	for n, s := range p.Servers {
		s.ConnectTimeout, s.DataTimeout = patience, patience
		if f := sourceMissing(s); f != nil {
			found = append(found, *f)
			continue
		}
		if !s.NoBulk {
			found = append(found, p.askForAll(ctx, s)...)
		}
		if s.Lookup {
			found = append(found, p.lookUp(ctx, n, s))
		}
	}
	return found
}

// own is our DUID for questions; a made-up one before the first start.
func (p *Patient) own() []byte {
	if p.RelayID != nil {
		return p.RelayID
	}
	return []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}
}

// sourceMissing is a finding if the configured source address is not ours.
func sourceMissing(s lqclient.Server) *Finding {
	if !s.Source.IsValid() {
		return nil
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == s.Source {
			return nil
		}
	}
	return &Finding{
		Level: Fault, About: s.Name, Found: fmt.Sprintf("its source %s is on no interface", s.Source),
		Why: "the server is not asked until the address is there", Fix: "add the address, or mend the key source of this server",
	}
}

// askForAll tries the kinds of bulk query that the server would be asked, and
// breaks each answer off once it has shown enough.
func (p *Patient) askForAll(ctx context.Context, s lqclient.Server) []Finding {
	var found []Finding
	yields := 0
	for _, q := range p.queries(s) {
		a := p.ask(ctx, s, q)
		if f, hopeless := p.judge(s, q, a); f != nil {
			found = append(found, *f)
			if hopeless {
				return found
			}
		}
		found = append(found, p.strangers(s, q, a)...)
		yields += a.leases
	}
	if yields == 0 {
		return append(found, Finding{
			Level: Warn, About: s.Name, Found: "it answers, and knows no lease made through this router",
			Why: "after a reboot it brings nothing back",
			Fix: "check that the relay's link-addresses (key links, 'leaseroute check') are those of the server's subnets, or set relay_id to what the relay puts in; if no subscriber has a lease yet, all is well",
		})
	}
	return append(found, ok(s.Name, "it answers bulk queries, and knows leases of this router"))
}

// queries are those that a round would begin with, one of each kind and link.
func (p *Patient) queries(s lqclient.Server) []wire.Query {
	var all []wire.Query
	for _, kind := range s.Queries {
		switch kind {
		case wire.ByRelayID:
			all = append(all, wire.Query{Type: kind, RelayID: p.own()})
		case wire.ByLinkAddress:
			for _, l := range p.Ask {
				all = append(all, wire.Query{Type: kind, Link: l.Address})
			}
		case wire.ByRemoteID:
			for _, id := range p.Config.RemoteIDs {
				all = append(all, wire.Query{Type: kind, RemoteID: id})
			}
		}
	}
	return all
}

// An answer is what the beginning of an answer has shown.
type answer struct {
	leases int
	others int          // of these, inside our blocks but made through other relays
	other  netip.Prefix // one of them
	err    error        // nil too if it was broken off after enough
}

func (p *Patient) ask(ctx context.Context, s lqclient.Server, q wire.Query) (a answer) {
	_, a.err = lqclient.Ask(ctx, s, p.own(), q, func(l lqclient.Answered) error {
		a.leases++
		if p.allowed(l.Key.Prefix) && p.elsewhere(l) {
			a.others++
			a.other = l.Key.Prefix
		}
		if a.leases >= enough {
			return errEnough
		}
		return nil
	})
	if errors.Is(a.err, errEnough) {
		a.err = nil
	}
	return a
}

func (p *Patient) allowed(prefix netip.Prefix) bool {
	for _, block := range p.Config.Delegation.Allowed {
		if block.Overlaps(prefix) {
			return true
		}
	}
	return false
}

// elsewhere reports whether a lease was made through relays none of which is
// this router.
func (p *Patient) elsewhere(l lqclient.Answered) bool {
	if len(l.Relays) == 0 {
		return false
	}
	i, _ := p.Links.Resolve(l.Relays)
	return i == 0
}

// judge says what an answer means that is not as it should be. hopeless: no
// other query will do better.
func (p *Patient) judge(s lqclient.Server, q wire.Query, a answer) (f *Finding, hopeless bool) {
	var status *lqclient.StatusError
	var duid *lqclient.DUIDError
	what := "by " + q.Type.String()
	switch {
	case a.err == nil && a.leases == 0 && q.Type == wire.ByRelayID:
		return &Finding{
			Level: Note, About: s.Name, Found: "it knows no lease by our relay-id",
			Why: "the usual relay puts none in; then link-addresses must do", Fix: "set relay_id to what the relay puts in, or leave relay-id out of queries",
		}, false
	case a.err == nil:
		return nil, false
	case errors.Is(a.err, lqclient.ErrRefused):
		return &Finding{
			Level: Fault, About: s.Name, Found: "it accepts the connection and closes it: it refuses our source, or has too many connections",
			Why: "nothing is learnt from it", Fix: "put our address into its list of requesters (Kea: \"requesters\"), and the same into the key source",
		}, true
	case errors.As(a.err, &duid):
		return &Finding{
			Level: Fault, About: s.Name, Found: duid.Error(), Why: "its answers are refused", Fix: "mend the key duid, or address, of this server",
		}, true
	case errors.As(a.err, &status) && status.Code == iana.StatusNotAllowed && q.Type != wire.ByLinkAddress:
		return &Finding{
			Level: Note, About: s.Name, Found: what + ": " + status.Error(),
			Why: "from Kea this says that its index of relays is off", Fix: "Kea: \"extended-info-tables-enabled\": true and \"store-extended-info\": true; or leave " + q.Type.String() + " out of queries",
		}, false
	case errors.As(a.err, &status):
		return &Finding{
			Level: Warn, About: s.Name, Found: fmt.Sprintf("%s %s: %s", what, about(q), status.Error()),
			Why: "it is of no use for what this query asks", Fix: "check that its subnets know this link (key links)",
		}, false
	}
	return &Finding{
		Level: Fault, About: s.Name, Found: a.err.Error(), Why: "nothing is learnt from it",
		Fix: "is it up, does it listen on TCP there (Kea: \"bulk-query-enabled\"), is there a route to it and back, does a firewall drop it? If it knows UDP only: bulk: false",
	}, true
}

// about names what a query asks for.
func about(q wire.Query) string {
	if q.Link.IsValid() {
		return q.Link.String()
	}
	return ""
}

// strangers warns of leases of other relays inside our blocks.
func (p *Patient) strangers(s lqclient.Server, q wire.Query, a answer) []Finding {
	if a.others == 0 {
		return nil
	}
	return []Finding{{
		Level: Warn, About: s.Name,
		Found: fmt.Sprintf("of the first %d leases by %s %d lie in delegation.allowed but were made through other relays, such as %s", a.leases, q.Type, a.others, a.other),
		Why:   "our covering route cuts those subscribers off for whatever comes through this router",
		Fix:   "narrow delegation.allowed to this router's pools, or routes.aggregate: none",
	}}
}

// lookUp asks over UDP, or has the daemon's word for it: that holds the port.
func (p *Patient) lookUp(ctx context.Context, n int, s lqclient.Server) Finding {
	const why, fix = "it can't be asked on demand", "is UDP to it open, does it know leasequery over UDP (Kea: the lease_query hook), is our address in its list of requesters? Or lookup: false"
	if p.Status != nil && n < len(p.Status.Servers) {
		if state := p.Status.Servers[n].Lookup; state != "ready" {
			return Finding{Level: Fault, About: s.Name, Found: "over UDP: " + state + " " + p.Status.Servers[n].LookupError, Why: why, Fix: fix}
		}
		return ok(s.Name, "nothing speaks against asking it over UDP")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ask := lqclient.AskFrom(p.Config.OnDemand.LocalPort)
	_, err := ask(ctx, s, p.own(), wire.Query{Type: wire.ByClientID, ClientID: p.own()}, func(lqclient.Answered) error { return nil })
	var status *lqclient.StatusError
	switch {
	case err == nil, errors.As(err, &status):
		return ok(s.Name, "it answers over UDP")
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("silent over UDP for %s", patience)
	}
	return Finding{Level: Fault, About: s.Name, Found: err.Error(), Why: why, Fix: fix}
}
