//go:build linux

package interop

import (
	"context"
	"testing"

	"leaseroute/test/daemon"
)

// A mishap befalls Kea while it is answering.
type mishap struct {
	name string
	do   func(t *testing.T, s *site)
}

// mishaps: what Kea had not yet sent is lost each time.
var mishaps = []mishap{
	{"killed and restarted", func(t *testing.T, s *site) {
		s.kea.Kill()
		s.gate.Cut()
		s.startKea(t)
	}},
	{"reloaded", func(t *testing.T, s *site) {
		must(t, s.kea.Reload(t.Context()))
		s.gate.Cut()
	}},
}

func TestKeaBreaksOffInMidStream(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	s.recovered(t, setup{server: []string{hurry}})
	// What Kea says is mostly about leases, and at the end about suspects.
	whole := s.gate.Passed()
	amongLeases, amongSuspects := whole/3, whole-whole/20
	for _, m := range mishaps {
		t.Run("C67 C76 R55 "+m.name+" while the router boots", func(t *testing.T) {
			s.reboot(t)
			d := s.daemon(t, setup{server: []string{hurry}})
			s.kernel.reset(t)
			stuck := s.gate.StopAfter(amongLeases)
			d.Start(t)
			wait(t, stuck)
			m.do(t, s)
			s.survived(t, d, 1)
			if p := s.kernel.sightings(t).withdrawn(s.live()); len(p) > 0 {
				t.Errorf("%d routes to live prefixes were withdrawn: %v", len(p), p)
			}
		})
		t.Run("C67 C76 C77 R60 "+m.name+" during a resync, which then changes nothing", func(t *testing.T) {
			d := s.recovered(t, setup{server: []string{hurry}})
			s.kernel.reset(t)
			stuck := s.gate.StopAfter(amongLeases)
			resync(t, d)
			wait(t, stuck)
			m.do(t, s)
			s.survived(t, d, 2)
			s.kernel.quiet(t)
		})
		t.Run("R60 "+m.name+" while it is asked about suspects", func(t *testing.T) {
			s.reboot(t)
			d := s.daemon(t, setup{server: []string{by("relay-id"), hurry}})
			s.kernel.reset(t)
			stuck := s.gate.StopAfter(amongSuspects)
			d.Start(t)
			wait(t, stuck)
			m.do(t, s)
			got := settled(t, d)
			s.exact(t)
			if c := got.Servers[0].Counters; c["rounds_broken"] != 0 || c["suspects_denied"] < 100 {
				t.Errorf("counters %v, want no broken round: it was over", c)
			}
			if p := s.kernel.sightings(t).withdrawn(s.live()); len(p) > 0 {
				t.Errorf("%d routes to live prefixes were withdrawn: %v", len(p), p)
			}
		})
	}
}

// TestKeaIsKilledWhileItStreams has no gate: Kea is killed when so many routes
// are in the kernel, with whatever is then on its way.
func TestKeaIsKilledWhileItStreams(t *testing.T) {
	t.Parallel()
	s := startSite(t, mixed)
	d := s.daemon(t, setup{port: keaPort, server: []string{hurry}})
	const tries = 10 // Kea may have sent everything before it dies
	broken := uint64(0)
	for i := 0; i < tries && broken == 0; i++ {
		s.reboot(t)
		s.kernel.reset(t)
		d.Start(t)
		s.kernel.atLeast(t, 1+200*i)
		s.kea.Kill()
		s.startKea(t)
		got := settled(t, d)
		s.exact(t)
		broken = got.Servers[0].Counters["broken_answers"]
		t.Logf("killed at %d routes: %d broken answers, recovered after %.3f s", 1+200*i, broken, *got.RecoveredAfterSeconds)
		if p := s.kernel.sightings(t).withdrawn(s.live()); len(p) > 0 {
			t.Errorf("%d routes to live prefixes were withdrawn: %v", len(p), p)
		}
	}
	if broken == 0 {
		t.Errorf("in %d tries Kea never died in mid-stream", tries)
	}
}

// survived waits for the end of so many complete rounds after a broken one.
func (s *site) survived(t *testing.T, d *daemon.Daemon, rounds uint64) {
	t.Helper()
	got := d.Wait(t, "the round after the broken one", rounded(rounds))
	s.exact(t)
	if c := got.Servers[0].Counters; c["broken_answers"] != 1 || c["rounds_broken"] != 1 {
		t.Errorf("%d broken answers in %d broken rounds, want one", c["broken_answers"], c["rounds_broken"])
	}
	t.Logf("%d rounds, %d of them broken; %d routes", got.Servers[0].Rounds, got.Servers[0].Counters["rounds_broken"], got.RoutesInstalled)
}

// recovered boots the router and waits until everything is in place.
func (s *site) recovered(t *testing.T, c setup) *daemon.Daemon {
	t.Helper()
	s.reboot(t)
	d := s.daemon(t, c)
	d.Start(t)
	settled(t, d)
	s.exact(t)
	return d
}

// wait waits for a channel to be closed.
func wait(t *testing.T, c <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-c:
	case <-ctx.Done():
		t.Fatal("Kea's answer was shorter than the gate expected")
	}
}
