//go:build linux

package glean

import (
	"net/netip"
	"strings"
	"testing"

	"leaseroute/test/lab"
)

// everyClient are the programs that a subscriber may run.
var everyClient = []lab.ClientProgram{lab.Dhclient, lab.Dhcp6c, lab.Dhcpcd}

func TestLeaseAndRelease(t *testing.T) {
	eachServer(t, setup{access: 1}, func(t *testing.T, s *site) {
		for i, program := range everyClient {
			t.Run("L15 L16 R74 C108 C109 G-9 "+string(program), func(t *testing.T) {
				cpe, client, got := s.bound(t, s.Access[0], uint16(i+1), lab.ClientConfig{Program: program, Prefixes: 1})
				must(t, cpe.Answer(s.ctx, got[0]))
				if _, err := s.Server.Ping(s.ctx, got[0].Addr().Next()); err != nil {
					t.Errorf("the subscriber can't be reached: %v", err)
				}
				s.explained(t, got[0], "glean from dhcp1 (Reply to Request, on acc0): first word about this lease [R70]")
				must(t, client.Release(s.ctx))
				s.held(t, cpe)
				s.exact(t)
				s.explained(t, got[0], "glean (Release, on acc0): released by its client [R89]")
			})
		}
	})
}

// explained fails the test unless the command explain tells of something.
func (s *site) explained(t *testing.T, p netip.Prefix, want string) {
	t.Helper()
	out, errs, code := s.Run(t, "explain", p.String())
	if code != 0 || !strings.Contains(out, want) {
		t.Errorf("explain %s ends with %d and lacks %q:\n%s%s", p, code, want, out, errs)
	}
}

func TestTwoClients(t *testing.T) {
	eachServer(t, setup{}, func(t *testing.T, s *site) {
		t.Run("R70 C112 two clients on two links, a third beside the first", func(t *testing.T) {
			for i, a := range []lab.Access{s.Access[0], s.Access[1], s.Access[0]} {
				s.bound(t, a, uint16(i+1), lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
			}
		})
	})
}

func TestSeveralAssociations(t *testing.T) {
	eachServer(t, setup{access: 1}, func(t *testing.T, s *site) {
		for i, program := range everyClient {
			t.Run("G-3 C127 two IA_PDs and an IA_NA with the same IAID: "+string(program), func(t *testing.T) {
				cpe, client, _ := s.bound(t, s.Access[0], uint16(i+1), lab.ClientConfig{Program: program, Prefixes: 2, Address: true})
				must(t, client.Release(s.ctx))
				s.held(t, cpe)
				s.exact(t)
			})
		}
	})
}

func TestRapidCommit(t *testing.T) {
	rapid := func(s *lab.Service) { s.RapidCommit = true }
	eachServer(t, setup{access: 1, serve: rapid}, func(t *testing.T, s *site) {
		for i, program := range []lab.ClientProgram{lab.Dhcp6c, lab.Dhcpcd} {
			t.Run("L15 a Reply to a Solicit teaches: "+string(program), func(t *testing.T) {
				_, _, got := s.bound(t, s.Access[0], uint16(i+1), lab.ClientConfig{Program: program, Prefixes: 1, RapidCommit: true})
				s.explained(t, got[0], "(Reply to Solicit, on acc0)")
			})
		}
		if n := s.Status(t).Counters["glean_advertises"]; n != 0 {
			t.Errorf("%d Advertises: the exchanges were not of two messages", n)
		}
	})
}
