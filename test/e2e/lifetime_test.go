//go:build linux

package e2e

import (
	"fmt"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lqserver"
)

// TestWithdrawn has a second server end, by a valid lifetime of zero, what the
// first one still reports.
func TestWithdrawn(t *testing.T) {
	t.Parallel()
	const p = "2001:db8:8000:100::/56"
	s := newSite(t, twoServers())
	stays := s.lease(1, "2001:db8:8000:200::/56", 0)
	first, second := s.list(heard(time.Hour, s.lease(1, p, 0)), stays), s.list()
	s.serve(t, 547, first, lqserver.Options{Manner: lqserver.Kea()})
	s.serve(t, otherPort, second, lqserver.Options{DUID: otherDUID, Faults: lqserver.Faults{ZeroValid: true}})
	s.Start(t)
	s.settled(t)
	s.holds(t, s.fibOf(first.All()...))

	second.Set(heard(2*time.Hour, s.lease(2, p, 1)))
	s.resync(t)
	s.exact(t, s.fibOf(first.All()...)) // R88: it is a statement like any other, and lost

	second.Set(heard(time.Minute, s.lease(2, p, 1)))
	s.resync(t)
	s.holds(t, s.fibOf(stays))
	s.explains(t, p, "no lease is held", "server reports a valid lifetime of zero [R88]", "against "+duidOf(1))
	s.counted(t, "bindings_withdrawn", 1)

	s.resync(t)
	s.exact(t, s.fibOf(stays))
	s.counted(t, "tombstone_holds", 1)
	s.explains(t, p, "no lease is held", "older than the end of the lease [R89]", "the last verdict says why")

	first.Set(heard(10*time.Second, s.lease(1, p, 0)))
	s.resync(t)
	s.holds(t, s.fibOf(first.All()...)) // R89: its client has spoken since
	s.explains(t, p, "installed", "client "+duidOf(1))
	s.Stop(t)
}

func twoServers() string { return config(dhcp1(), serverLine("dhcp2", otherPort)) }

// TestExpiry lets a lease run out.
func TestExpiry(t *testing.T) {
	t.Parallel()
	const p = "2001:db8:8000:100::/56"
	s := newSite(t, config(dhcp1()))
	stays := s.lease(2, "2001:db8:8000:200::/56", 0)
	short := heard(time.Hour, s.lease(1, p, 0))
	short.Valid = time.Hour + 4*time.Second
	confirmed := lqserver.Kea() // past half of its life it is doubted, and confirmed
	s.serve(t, 547, s.list(short, stays), lqserver.Options{Manner: confirmed})
	s.Start(t)
	s.settled(t)
	s.holds(t, s.fibOf(short, stays))
	s.holds(t, s.fibOf(stays))
	s.explains(t, p, "no lease is held", "valid lifetime has run out [R73]", "kernel: a blackhole route drops it")
	s.counted(t, "bindings_expired", 1)
	s.Stop(t)
}

// TestAdopted starts anew with the routes of before in place, without the
// server that they came from: they stay, and what the server then denies goes.
func TestAdopted(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	keeps, gives := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 1)
	list := s.list(keeps, gives)
	_, stop := s.serve(t, 547, list, lqserver.Options{})
	s.Start(t)
	s.settled(t)
	s.Kill()
	stop()
	must(t, s.forgetState())
	s.Start(t)
	st := s.status(t, func(st control.Status) error {
		if st.Bindings != 2 || st.Counters["connect_failures"] == 0 {
			return fmt.Errorf("%d bindings", st.Bindings)
		}
		return nil
	})
	s.exact(t, s.fibOf(keeps, gives))
	if st.Counters["route_messages"] != 0 || st.State != "recovering" {
		t.Errorf("rule 7: %d route messages, state %s; want none, recovering", st.Counters["route_messages"], st.State)
	}
	s.explains(t, keeps.Prefix.String(), "installed (found in the kernel at start)", "client - via fe80::101 dev acc0", "[R91]")

	list.Remove(gives.Prefix)
	s.serve(t, 547, list, lqserver.Options{})
	s.settled(t)
	s.holds(t, s.fibOf(keeps))
	s.explains(t, keeps.Prefix.String(), "client "+duidOf(1))
	s.explains(t, gives.Prefix.String(), "server says that nobody holds it [R42]")
	s.Stop(t)
}

// TestSuspects has a lease vanish from the server: its route stays until the
// server has been asked about it.
func TestSuspects(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	gone, stays := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 1)
	list := s.list(gone, stays)
	server, _ := s.serve(t, 547, list, lqserver.Options{})
	s.Start(t)
	s.settled(t)

	list.Remove(gone.Prefix)
	server.SetFaults(knobsOf(t, []string{"status=address:NotAllowed"}))
	s.resync(t)
	s.counted(t, "suspects_no_answer", 1)
	s.exact(t, s.fibOf(gone, stays))
	s.explains(t, gone.Prefix.String(), "suspect (not mentioned by a complete bulk run)", "[R60]")
	if b := s.Bindings(t)[gone.Prefix.String()]; b.State != "suspect" || b.Reason != "not mentioned by a complete bulk run" {
		t.Errorf("R60 C77: %s (%s), want suspect", b.State, b.Reason)
	}

	server.SetFaults(lqserver.Faults{})
	s.resync(t)
	s.holds(t, s.fibOf(stays))
	s.explains(t, gone.Prefix.String(), "server says that nobody holds it [R42]")
	st := s.counted(t, "suspects_denied", 1)
	if st.Counters["bindings_denied"] != 1 {
		t.Errorf("R60: %d bindings went by denial, want 1", st.Counters["bindings_denied"])
	}
	s.Stop(t)
}
