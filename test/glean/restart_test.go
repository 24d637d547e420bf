//go:build linux

package glean

import (
	"os"
	"slices"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/agent/warm"
	"leaseroute/test/lab"
)

// often lets a test see the state file written while leaseroute runs.
const often = "state_file: { interval: 1s }"

func TestRestart(t *testing.T) {
	eachServer(t, setup{config: []string{often}}, func(t *testing.T, s *site) {
		kernel := s.watch(t)
		_, one, _ := s.bound(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
		_, _, _ = s.bound(t, s.Access[1], 2, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1, Address: true})
		ends := []struct {
			name string
			end  func()
		}{
			{"R91 R131 stopped and started", func() { s.Stop(t) }},
			{"R91 R131 killed and started", func() { s.kept(t, 3); s.Kill() }},
		}
		for _, e := range ends {
			t.Run(e.name+", and the kernel is told nothing", func(t *testing.T) {
				kernel.reset(t)
				e.end()
				s.start(t)
				s.exact(t)
				if seen := kernel.reset(t); len(seen) > 0 {
					t.Errorf("the kernel told %q", seen)
				}
			})
		}
		t.Run("L16 R91 what is leased meanwhile is learnt from the next exchange", func(t *testing.T) {
			s.Kill()
			cpe, client := s.client(t, s.Access[0], 3, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
			s.held(t, cpe, s.told(t, client, lab.Bound, 1)...)
			one.Kill() // its lease stays
			s.start(t)
			client.Kill()
			must(t, client.Start(s.ctx))
			s.told(t, client, lab.Rebound, 1)
			s.exact(t)
		})
	})
}

// kept waits until the state file holds so many leases.
func (s *site) kept(t *testing.T, leases int) {
	t.Helper()
	s.until(t, "the state file is not complete", func() []string {
		n := 0
		_, err := warm.Read(s.stateFile(), 1000, func(warm.Lease) error { n++; return nil })
		if err == nil && n == leases {
			return nil
		}
		return []string{time.Now().String()}
	})
}

// stateFile is where leaseroute keeps its bindings.
func (s *site) stateFile() string { return s.Path("state/bindings") }

func TestReboot(t *testing.T) {
	eachServer(t, setup{config: []string{often}}, func(t *testing.T, s *site) {
		_, _, one := s.bound(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
		_, client, two := s.bound(t, s.Access[1], 2, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 2})
		for _, how := range []string{"stopped", "killed"} {
			t.Run("R131 "+how+" and rebooted, routes stand before any server answers", func(t *testing.T) {
				must(t, s.server.Stop(s.ctx))
				if how == "killed" {
					s.kept(t, 3)
				} else {
					s.Stop(t)
				}
				must(t, s.Reboot(s.ctx))
				s.Start(t)
				s.exactRoutes(t)
				for _, p := range slices.Concat(one, two) {
					if b := s.Bindings(t)[p.String()]; b.Source != "state" || b.State != "installed" {
						t.Errorf("%s is %s, by %s", p, b.State, b.Source)
					}
				}
				must(t, s.server.Start(s.ctx))
				must(t, s.relay.Start(s.ctx))
				s.asked(t)
				s.exact(t)
			})
		}
		t.Run("R79 R131 a Reply outranks the file", func(t *testing.T) {
			client.Kill()
			must(t, client.Start(s.ctx))
			s.told(t, client, lab.Rebound, 2)
			s.Wait(t, "the Reply", func(now control.Status) bool { return now.Counters["glean_taught"] > 0 })
			for _, p := range two {
				if b := s.Bindings(t)[p.String()]; b.Source != "glean" {
					t.Errorf("%s is known by %s", p, b.Source)
				}
			}
			s.exact(t)
		})
	})
}

func TestStateFileDamagedByHand(t *testing.T) {
	t.Parallel()
	s := newSite(t, setup{server: "Kea"})
	s.start(t)
	t.Run("R131 a damaged file is no reason not to start", func(t *testing.T) {
		_, _, _ = s.bound(t, s.Access[0], 1, lab.ClientConfig{Program: lab.Dhcpcd, Prefixes: 1})
		s.Stop(t)
		content, err := os.ReadFile(s.stateFile())
		must(t, err)
		content[len(content)/2] ^= 1
		must(t, os.WriteFile(s.stateFile(), content, 0o600))
		s.start(t)
		s.exact(t)
	})
}
