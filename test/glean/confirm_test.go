//go:build linux

package glean

import (
	"net/netip"
	"regexp"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// TestConfirm has a client confirm its address, as one does whose link was
// down. Its Reply carries no lifetimes: the server is asked about the client,
// and tells of its prefix as well.
func TestConfirm(t *testing.T) {
	t.Parallel()
	ways := []struct{ name, entry string }{
		{"R98 over TCP", "queries: [relay-id]"}, // by which the server finds nothing: dhcrelay adds none
		{"R98 over UDP", lookupOnly},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, setup{server: "Kea", access: 1, entry: way.entry})
			cpe, holder := s.client(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
			leases := s.told(t, holder, lab.Bound, 1)
			holder.Kill()
			client, err := cpe.NewClient(s.tree, lab.ClientConfig{Program: lab.Dhclient, Address: true})
			must(t, err)
			must(t, client.Start(s.ctx))
			leases = append(s.told(t, client, lab.Bound, 1), leases...)
			client.Kill()
			s.held(t, cpe, leases...)
			s.start(t)
			if b := s.Bindings(t); len(b) != 0 {
				t.Fatalf("it knows %v before it has seen anything", b)
			}
			must(t, client.Start(s.ctx))
			_, err = s.relay.Process().WaitLine(s.ctx, regexp.MustCompile("^Relaying Confirm"))
			must(t, err)
			s.Wait(t, "the question", func(now control.Status) bool { return now.Counters["clients_asked"] > 0 })
			s.exact(t)
			for _, p := range leases {
				if b := s.Bindings(t)[p.String()]; b.Source != "lookup" {
					t.Errorf("%+v", b)
				}
				s.explained(t, p, "lookup from dhcp1 (on acc0): first word about this lease [R70]")
			}
		})
	}
}

// TestConfirmOfAClientOnTwoLinks has the server name links instead of leases.
func TestConfirmOfAClientOnTwoLinks(t *testing.T) {
	t.Parallel()
	s := newSite(t, setup{server: "Kea", entry: lookupOnly})
	want := make(map[netip.Prefix]lab.Route)
	var last *lab.CPE
	for _, a := range s.Access {
		cpe, holder := s.client(t, a, 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
		p := s.told(t, holder, lab.Bound, 1)[0]
		holder.Kill()
		want[p] = lab.Route{Prefix: p, Gateway: cpe.LinkLocal, Dev: a.Name}
		last = cpe
	}
	client, err := last.NewClient(s.tree, lab.ClientConfig{Program: lab.Dhclient, Address: true})
	must(t, err)
	must(t, client.Start(s.ctx))
	s.told(t, client, lab.Bound, 1)
	client.Kill()
	s.start(t)
	must(t, client.Start(s.ctx))
	t.Run("R40 R98 C37 it is asked about each link, and its prefixes on both are routed", func(t *testing.T) {
		s.until(t, "the routes are not those to both prefixes", func() []string { return routeDiff(s.Routes(t), want) })
		if c := s.Status(t).Counters; c["client_links"] == 0 || c["client_link_loops"] != 0 {
			t.Errorf("the server named links %d times, and %d times once more", c["client_links"], c["client_link_loops"])
		}
	})
}
