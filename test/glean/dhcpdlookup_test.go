//go:build linux

package glean

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// aged is how much older dhcpd's leases are made than they are.
const aged = time.Hour

// TestDhcpdIsAskedOverUDP has ISC dhcpd, which answers about single addresses
// of its own only, with the date at which it heard the client, to port 546
// (PEERS.md 4).
func TestDhcpdIsAskedOverUDP(t *testing.T) {
	t.Parallel()
	began := time.Now()
	s := newSite(t, setup{server: "dhcpd", access: 1, entry: lookupOnly,
		config: []string{fmt.Sprintf("delegation: { allowed: [%q, %q] }", lab.Delegated, "2001:db8:1::/48")}})
	cpe, client := s.client(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1, Address: true})
	leases := s.told(t, client, lab.Bound, 2)
	s.held(t, cpe, leases...)
	client.Kill()
	must(t, s.server.Stop(s.ctx))
	must(t, s.dhcpd.Age(aged))
	must(t, s.server.Start(s.ctx))
	address, prefix := leases[0], leases[1]
	end := s.endOf(t, address)
	t.Run("R39 R71 R73 query shows an address's age and what is left of it", func(t *testing.T) {
		out := s.ask(t, 0, "--address", address.Addr().String())
		var got struct {
			Prefix string
			Valid  float64 `json:"valid_seconds"`
			Age    float64 `json:"clt_age_seconds"`
		}
		must(t, json.Unmarshal([]byte(out), &got))
		left, age := time.Duration(got.Valid*float64(time.Second)), time.Duration(got.Age*float64(time.Second))
		if got.Prefix != address.String() || (left-time.Until(end)).Abs() > slack || age < aged || age > aged+time.Since(began) {
			t.Errorf("%s: want %s left", out, time.Until(end))
		}
	})
	t.Run("R34 R42 an answer with neither a lease nor a status", func(t *testing.T) {
		if out := s.ask(t, 0, "--address", address.Addr().Next().String()); out != "" {
			t.Error(out)
		}
	})
	t.Run("R44 C46 inside a delegated prefix it says NotConfigured", func(t *testing.T) {
		s.ask(t, 1, "--address", prefix.Addr().Next().String())
	})
	t.Run("R44 C44 by client-id it says UnknownQueryType", func(t *testing.T) {
		s.ask(t, 1, "--client-id", fmt.Sprintf("%x", cpe.DUID))
	})
	s.start(t)
	t.Run("R71 R73 R90 an address is learnt, and never makes a route", func(t *testing.T) {
		l := s.lookUp(t, address.Addr())
		if r := l.Replies[0]; r.Said != "held" || len(r.Leases) != 1 || r.Leases[0].Prefix != address.String() || r.Leases[0].Kind != "address" {
			t.Errorf("%+v", r)
		}
		b := s.Bindings(t)[address.String()]
		heard := end.Add(-lab.LongLifetimes.Valid)
		if b.State != "kept" || b.Source != "lookup" || b.ValidUntil == nil || b.ValidUntil.Sub(end).Abs() > slack || b.CLT == nil || b.CLT.Sub(heard).Abs() > slack {
			t.Errorf("%+v, want it valid until %s and heard at %s", b, end, heard)
		}
	})
	t.Run("R95 C46 a packet from a delegated prefix proves nothing, and makes no route", func(t *testing.T) {
		s.sends(t, cpe, prefix)
		s.Wait(t, "the verdict", func(now control.Status) bool {
			return now.Counters["on_demand_denied"] == 1 && now.Counters["not_configured"] == 1
		})
		if routes := s.Routes(t); len(routes) > 0 {
			t.Errorf("%v", routes)
		}
	})
	t.Run("C41 R95 what is gleaned then makes one", func(t *testing.T) {
		left := s.Status(t).Counters["on_demand_negatives"]
		must(t, client.Start(s.ctx))
		if got := s.told(t, client, lab.Rebound, 2); !slices.Equal(got, leases) {
			t.Errorf("the client came back with %v, before %v", got, leases)
		}
		s.held(t, cpe, leases...)
		s.exact(t)
		if n := s.Status(t).Counters["on_demand_negatives"]; n != left-1 {
			t.Errorf("%d places are not asked about, and were %d before one of them was known", n, left)
		}
	})
	t.Run("C46 and it stays, whatever dhcpd answers about it", func(t *testing.T) {
		l := s.lookUp(t, prefix.Addr().Next())
		if r := l.Replies[0]; r.Said != "NotConfigured" || len(r.Leases) != 0 || l.Binding == nil || l.Binding.Prefix != prefix.String() {
			t.Errorf("%+v", l)
		}
		if b := s.Bindings(t)[prefix.String()]; b.Source != "glean" || b.State != "installed" {
			t.Errorf("%+v", b)
		}
		s.exact(t)
	})
}

// endOf is when the server's lease ends.
func (s *site) endOf(t *testing.T, p netip.Prefix) time.Time {
	t.Helper()
	leases, err := s.server.Held(time.Now())
	must(t, err)
	for _, l := range leases {
		if l.Prefix == p {
			return l.Until
		}
	}
	t.Fatalf("the server does not hold %s", p)
	return time.Time{}
}

// ask runs `leaseroute query` from the port that dhcpd answers to, wants it to
// end with a code, and returns what it printed. No daemon may run.
func (s *site) ask(t *testing.T, want int, args ...string) string {
	t.Helper()
	args = append([]string{"query", "--udp", "--local-port", "546", "--json",
		"--server", lab.ServerAddress.String(), "--source", lab.RouterAddress.String()}, args...)
	stdout, stderr, code := s.Run(t, args...)
	if code != want {
		t.Errorf("%q ends with %d, want %d: %s", args, code, want, stderr)
	}
	return strings.TrimSpace(stdout)
}

// lookUp runs `leaseroute lookup`.
func (s *site) lookUp(t *testing.T, a netip.Addr) (l control.Lookup) {
	t.Helper()
	stdout, stderr, code := s.Run(t, "lookup", "--json", a.String())
	if code != 0 {
		t.Fatalf("lookup ends with %d: %s", code, stderr)
	}
	must(t, json.Unmarshal([]byte(stdout), &l))
	return l
}

// sends has a subscriber send a datagram from its prefix.
func (s *site) sends(t *testing.T, cpe *lab.CPE, p netip.Prefix) {
	t.Helper()
	from := p.Addr().Next()
	must(t, cpe.IP(s.ctx, fmt.Sprintf("address replace %s/128 dev lo nodad", from)))
	conn, err := cpe.DialContext(s.ctx, "udp6", netip.AddrPortFrom(lab.ServerAddress, 9).String())
	must(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("here I am"))
	must(t, err)
}
