package daemon_test

import (
	"context"
	"fmt"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

// TestServers has two servers of which one stops in mid-answer.
func TestServers(t *testing.T) {
	e := labtest.NewEdge(t, 1)
	broken := simulate(t, e, 547, "2001:db8:8000::/34", "--fault", "stall=5")
	simulate(t, e, 5470, "2001:db8:c000::/34")
	d := daemon.New(t, e, fmt.Sprintf(`
interfaces: { access: ["acc*"], core: ["core0"] }
servers:
  - { name: dhcp1, address: "[%[1]s]:547" }
  - { name: dhcp2, address: "[%[1]s]:5470" }
delegation: { allowed: [%[2]q] }
recovery: { give_up: 1s }
`, lab.ServerAddress, lab.Delegated))
	d.Start(t)

	t.Run("R128 one server is asked while another doesn't answer", func(t *testing.T) {
		d.Wait(t, "the routes of the second server", func(s control.Status) bool {
			return len(s.Servers) == 2 && s.Servers[1].State == "complete" && s.RoutesInstalled >= 20
		})
	})
	t.Run("R129 recovery is not over before every server has answered", func(t *testing.T) {
		s := d.Wait(t, "the end of patience", func(s control.Status) bool { return s.State == "degraded" })
		if s.RecoveredAfterSeconds != nil || s.Servers[0].Rounds != 0 {
			t.Errorf("recovered, with %d rounds of the first server", s.Servers[0].Rounds)
		}
	})
	t.Run("R129 R130 it goes on in the background, and leaves the other's leases alone", func(t *testing.T) {
		broken.Kill()
		simulate(t, e, 547, "2001:db8:8000::/34")
		if s := d.Recovered(t); s.RoutesInstalled != 40 || s.Servers[1].Rounds != 1 || s.Counters["routes_deleted"] != 0 {
			t.Errorf("%d routes, %d rounds of the second server, %d deleted; want 40, 1 and none",
				s.RoutesInstalled, s.Servers[1].Rounds, s.Counters["routes_deleted"])
		}
	})
	d.Stop(t)
}

// simulate runs a simulated server with 20 clients behind acc0.
func simulate(t *testing.T, e *lab.Edge, port int, block string, more ...string) *lab.Process {
	t.Helper()
	args := append([]string{"simulate", "--clients", "20", "--listen", fmt.Sprintf("[%s]:%d", lab.ServerAddress, port),
		"--link", "2001:db8:1::1/48", "--block", block}, more...)
	// Not t.Context: the server lives as long as its lab.
	p, err := e.Start(e.Server.Command(context.Background(), daemon.Binary(t), args...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
