//go:build linux

package e2e

import (
	"net/netip"
	"testing"

	"leaseroute/test/lqserver"
)

// An oddity is a lease that can have no route, and what is said of it.
type oddity struct {
	name    string
	lease   lqserver.Binding
	state   string
	reason  string // in show bindings, and the name of the number in status
	rule    string // in explain; empty: none
	counter string // the kernel's side of it; empty: there is none
	heal    string // an iproute2 command after which it gets its route; empty: nothing helps
}

// TestRefused reports one lease of each kind that can have no route, and one
// that can.
func TestRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(),
		`interfaces: { access: ["acc*"], core: ["core0"], interface_ids: [{ id: gone, interface: acc9 }] }`,
		`delegation: { allowed: ["2001:db8:8000::/33"], max_prefixes_per_client: 2 }`))
	odd := s.oddities()
	must(t, s.Router.IP(t.Context(),
		"route add 2001:db8:8000:500::/56 via fe80::77 dev acc1 proto static metric 1024",
		"route add 2001:db8:8000:600::/56 via fe80::77 dev acc1 proto static metric 5",
		"address add 2001:db8:8000:700::1/64 dev acc1 nodad"))
	good := []lqserver.Binding{s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(9, "2001:db8:8000:a00::/56", 1), s.lease(9, "2001:db8:8000:b00::/56", 1)}
	list := s.list(good...)
	for _, o := range odd {
		list.Set(o.lease)
	}
	s.serve(t, 547, list, lqserver.Options{Manner: lqserver.Kea()}) // in the order of the list
	s.Start(t)
	st := s.settled(t)
	want := s.fibOf(good...)
	s.holds(t, want)
	shown := s.Bindings(t)
	for _, o := range odd {
		t.Run(o.name, func(t *testing.T) {
			b := shown[o.lease.Prefix.String()]
			if b.State != o.state || b.Reason != o.reason {
				t.Errorf("show bindings says %q, %q; want %q, %q", b.State, b.Reason, o.state, o.reason)
			}
			if o.state != "kept" && st.Refused[o.reason] == 0 {
				t.Errorf("the status has no number of bindings without a route because %q: %v", o.reason, st.Refused)
			}
			if o.counter != "" && st.Counters[o.counter] == 0 {
				t.Errorf("counter %s is 0", o.counter)
			}
			s.explains(t, o.lease.Prefix.String(), o.state+" ("+o.reason)
			if o.rule != "" {
				s.explains(t, o.lease.Prefix.String(), o.reason+" ["+o.rule+"]")
			}
		})
	}
	if st.Bindings != len(good)+len(odd) || st.RoutesInstalled != len(good) {
		t.Errorf("%d bindings and %d routes, want %d and %d", st.Bindings, st.RoutesInstalled, len(good)+len(odd), len(good))
	}
	for _, o := range odd {
		if o.heal == "" {
			continue
		}
		t.Run("rule 1: "+o.name+", and no longer", func(t *testing.T) {
			must(t, s.Router.IP(t.Context(), o.heal))
			want[o.lease.Prefix] = s.routeOf(o.lease)
			s.holds(t, want)
			s.explains(t, o.lease.Prefix.String(), "installed")
		})
	}
	s.Stop(t)
}

func (s *site) oddities() []oddity {
	address := s.lease(8, "2001:db8:1::88/128", 0)
	address.Delegated = false
	return []oddity{
		{
			name: "R37 C106 outside the allowed blocks", lease: s.lease(2, "2001:db8:7000:100::/56", 0),
			state: "refused", reason: "outside delegation.allowed", rule: "R37",
		},
		{
			name: "R37 too short for delegation.lengths", lease: s.lease(3, "2001:db8:8010::/47", 0),
			state: "refused", reason: "length outside delegation.lengths", rule: "R37",
		},
		{
			name: "R37 too long for delegation.lengths", lease: s.lease(4, "2001:db8:8000:400::/65", 0),
			state: "refused", reason: "length outside delegation.lengths", rule: "R37",
		},
		{
			name: "C114 a foreign route of this prefix at our metric", lease: s.lease(5, "2001:db8:8000:500::/56", 0),
			state: "refused", reason: "someone else has a route of this prefix", counter: "routes_refused_foreign",
			heal: "route del 2001:db8:8000:500::/56 via fe80::77 dev acc1 proto static metric 1024",
		},
		{
			name: "C114 a foreign route of this prefix at another metric", lease: s.lease(6, "2001:db8:8000:600::/56", 0),
			state: "refused", reason: "someone else has a route of this prefix", counter: "routes_refused_foreign",
			heal: "route del 2001:db8:8000:600::/56 via fe80::77 dev acc1 proto static metric 5",
		},
		{
			name: "overlapping a connected prefix", lease: s.lease(7, "2001:db8:8000:700::/56", 0),
			state: "refused", reason: "overlaps a connected prefix", counter: "routes_refused_connected",
			heal: "address del 2001:db8:8000:700::1/64 dev acc1",
		},
		{
			name: "addresses are kept", lease: address,
			state: "kept", reason: "addresses are not installed",
		},
		{
			name: "C123 one more than max_prefixes_per_client", lease: s.lease(9, "2001:db8:8000:c00::/56", 1),
			state: "refused", reason: "client has its maximum of prefixes", rule: "G-5",
		},
		{
			name: "R90 by a link that is not ours", lease: via(s.lease(10, "2001:db8:8000:d00::/56", 0), func(r *lqserver.Relay) {
				r.Link = netip.MustParseAddr("2001:db8:99::1")
			}),
			state: "unresolved", reason: "nothing says where the client is",
		},
		{
			name: "S-2 by an interface that is not there", lease: via(s.lease(12, "2001:db8:8000:f00::/56", 0), func(r *lqserver.Relay) {
				r.InterfaceID = []byte("gone")
			}),
			state: "refused", reason: "interface is missing", counter: "routes_refused_interface_missing",
		},
	}
}
