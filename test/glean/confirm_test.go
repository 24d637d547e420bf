//go:build linux

package glean

import (
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
