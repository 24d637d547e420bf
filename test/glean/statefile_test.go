//go:build linux

package glean

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/agent/warm"
	"leaseroute/binding"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

// newFileSite makes a site without servers, relays and clients: all that
// leaseroute has is what is in its state file.
func newFileSite(t *testing.T, config ...string) *site {
	t.Helper()
	s := newBareSite(t, 2)
	s.Daemon = daemon.New(t, s.Edge, daemon.Config(relayID, append(config, "recovery: { give_up: 1s }")...))
	must(t, os.MkdirAll(s.Path("state"), 0o700))
	return s
}

// remembered is a lease in a state file, whose client is the n-th on a link.
func (s *site) remembered(n, link int, now time.Time, age, left time.Duration) warm.Lease {
	return warm.Lease{
		Key:        binding.Key{Prefix: netip.MustParsePrefix(fmt.Sprintf("2001:db8:8000:%x00::/56", n))},
		Client:     duidOf(n).ToBytes(),
		ServerDUID: lab.KeaServerDUID,
		Server:     "dhcp1",
		Interface:  s.Access[link].Name,
		NextHop:    linkLocal(n),
		CLT:        now.Add(-age), ValidUntil: now.Add(left), PreferredUntil: now.Add(left / 2),
	}
}

// route is the route to a remembered lease.
func route(l warm.Lease) lab.Route {
	return lab.Route{Prefix: l.Key.Prefix, Gateway: l.NextHop, Dev: l.Interface}
}

// stand waits until the kernel has exactly the routes to these leases.
func (s *site) stand(t *testing.T, leases ...warm.Lease) {
	t.Helper()
	want := make(map[netip.Prefix]lab.Route)
	for _, l := range leases {
		want[l.Key.Prefix] = route(l)
	}
	s.until(t, "the routes are not those of the state file", func() []string { return routeDiff(s.Routes(t), want) })
}

func TestStateFile(t *testing.T) {
	t.Parallel()
	labtest.NeedRoot(t)
	t.Run("R131 C116 what ended meanwhile is dropped by the wall clock", func(t *testing.T) {
		t.Parallel()
		s, now := newFileSite(t), time.Now()
		kernel := s.watch(t)
		live, over := s.remembered(1, 0, now, time.Hour, time.Hour), s.remembered(2, 1, now, 2*time.Hour, -time.Minute)
		endless := s.remembered(3, 1, now, time.Hour, 0)
		endless.ValidUntil, endless.PreferredUntil = binding.Forever, binding.Forever
		must(t, warm.Write(s.stateFile(), now.Add(-30*time.Minute), slices.Values([]warm.Lease{live, over, endless})))
		s.Start(t)
		s.stand(t, live, endless)
		if seen := kernel.reset(t); slices.Contains(seen, newRoute(over.Key.Prefix, place{gateway: over.NextHop})) {
			t.Errorf("the kernel was given the route of a lease that was over: %q", seen)
		}
		if n := s.Status(t).Counters["expired_on_arrival"]; n != 1 {
			t.Errorf("%d leases were over on arrival, want 1", n)
		}
		s.explained(t, live.Key.Prefix, "state from dhcp1 (on acc0): first word about this lease [R70]")
	})
	t.Run("R131 a clock behind the file expires nothing and doubts all", func(t *testing.T) {
		t.Parallel()
		s, now := newFileSite(t), time.Now()
		ahead := now.Add(time.Hour)
		leases := []warm.Lease{s.remembered(1, 0, ahead, time.Hour, time.Hour), s.remembered(2, 1, ahead, time.Hour, time.Minute)}
		must(t, warm.Write(s.stateFile(), ahead, slices.Values(leases)))
		s.Start(t)
		s.stand(t, leases...)
		s.WaitLine(t, regexp.MustCompile("the clock is behind the state file: nothing in it expires"))
		if s := s.Status(t); s.ByState["suspect"] != 2 {
			t.Errorf("the bindings are %v, want 2 suspects", s.ByState)
		}
		b := s.Bindings(t)[leases[1].Key.Prefix.String()]
		if left := time.Until(*b.ValidUntil); left > time.Minute || left < 0 {
			t.Errorf("a lease that had a minute left has %s", left)
		}
	})
	for name, spoil := range map[string]func(content []byte) []byte{
		"damaged":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut short": func(b []byte) []byte { return b[:len(b)-1] },
		"foreign":   func([]byte) []byte { return []byte("# not what it should be\n") },
		"empty":     func([]byte) []byte { return nil },
	} {
		t.Run("R131 a file that is "+name+" is set aside with one line, and stops nothing", func(t *testing.T) {
			t.Parallel()
			s, now := newFileSite(t), time.Now()
			must(t, warm.Write(s.stateFile(), now, slices.Values([]warm.Lease{s.remembered(1, 0, now, 0, time.Hour)})))
			content, err := os.ReadFile(s.stateFile())
			must(t, err)
			content = spoil(content)
			must(t, os.WriteFile(s.stateFile(), content, 0o600))
			s.Start(t)
			s.WaitLine(t, regexp.MustCompile(`level=warning msg="state file is not used, and set aside`))
			s.Wait(t, "the servers' turn", func(now control.Status) bool { return now.Servers[0].Error != "" })
			s.stand(t)
			if aside, err := os.ReadFile(s.stateFile() + ".damaged"); err != nil || string(aside) != string(content) {
				t.Errorf("set aside: %q, %v", aside, err)
			}
			s.Stop(t)
			if n := len(regexp.MustCompile("state file").FindAllString(s.Process().Output(), -1)); n != 1 {
				t.Errorf("%d lines about the state file, want one:\n%s", n, s.Process().Output())
			}
			if _, err := warm.WrittenAt(s.stateFile()); err != nil {
				t.Errorf("there is no new file: %v", err)
			}
		})
	}
	t.Run("R131 off by key: neither read nor written", func(t *testing.T) {
		t.Parallel()
		s, now := newFileSite(t, "state_file: { enabled: false }"), time.Now()
		must(t, warm.Write(s.stateFile(), now, slices.Values([]warm.Lease{s.remembered(1, 0, now, 0, time.Hour)})))
		before, err := os.ReadFile(s.stateFile())
		must(t, err)
		s.Start(t)
		s.Wait(t, "the servers' turn", func(now control.Status) bool { return now.Servers[0].Error != "" })
		s.stand(t)
		s.Stop(t)
		if after, err := os.ReadFile(s.stateFile()); err != nil || string(after) != string(before) {
			t.Errorf("the file changed, or went: %v", err)
		}
	})
	t.Run("R131 no state_dir yet: it is made", func(t *testing.T) {
		t.Parallel()
		s := newFileSite(t)
		must(t, os.RemoveAll(s.Path("state")))
		s.Start(t)
		s.Wait(t, "the servers' turn", func(now control.Status) bool { return now.Servers[0].Error != "" })
		s.Stop(t)
		if _, err := warm.WrittenAt(s.stateFile()); err != nil {
			t.Error(err)
		}
	})
}
