//go:build linux

package packages

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
	"leaseroute/test/lqserver"
)

const (
	// glance is how often a test that waits looks again, and patience for how
	// long: no test takes that long unless what it waits for never comes.
	glance   = 20 * time.Millisecond
	patience = 2 * time.Minute

	protocol = 158
)

// configuration is what an operator would write.
var configuration = fmt.Sprintf(`interfaces: { access: ["acc*"], core: ["core0"] }
servers:
  - { name: dhcp1, address: "[%s]:547", source: %q }
delegation: { allowed: [%q] }
`, lab.ServerAddress, lab.RouterAddress, lab.Delegated)

// A machine is a router that systemd runs, with a DHCP server beside it.
type machine struct {
	*lab.Edge
	*lab.System
	ctx  context.Context // ends when the test has waited too long
	hold *lqserver.Hold  // of the server's first answer, after its fifth lease
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	e := labtest.NewEdge(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	s, err := e.Boot(ctx, e.Router, t.Output())
	must(t, err)
	m := &machine{Edge: e, System: s, ctx: ctx}
	// Before the lab is closed, which would leave the control groups.
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := m.Command(context.Background(), "journalctl", "--no-pager", "-n", "60", "-u", "leaseroute*").CombinedOutput()
			t.Logf("the journal ends with:\n%s", out)
		}
		if err := m.Stop(context.Background()); err != nil {
			t.Error("stop the machine:", err)
		}
	})
	return m
}

// serve serves leases of so many clients.
func (m *machine) serve(t *testing.T, clients int) {
	t.Helper()
	var links []lqserver.Link
	for _, a := range m.Access {
		links = append(links, lqserver.Link{Address: netip.PrefixFrom(a.Address, 64), RelayID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0xee, 0xee}})
	}
	store, err := lqserver.Generate(lqserver.Plan{
		Clients: clients, Block: lab.Delegated, Links: links, Enterprise: 32473, Now: time.Now().Add(-time.Minute),
	})
	must(t, err)
	listener, err := m.Server.Listen("tcp", "[::]:547")
	must(t, err)
	packets, err := m.Server.ListenPacket("udp", "[::]:547")
	must(t, err)
	m.hold = lqserver.NewHold(5)
	server, err := lqserver.New(lqserver.Options{
		Listener: listener, Packets: packets, DUID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xff},
		Faults: lqserver.Faults{Hold: m.hold},
	}, store)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("run the server:", err)
		}
	})
}

// run runs a command as root in the machine, and returns what it printed.
func (m *machine) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := m.Command(m.ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v:\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// property is what systemd says of a unit.
func (m *machine) property(t *testing.T, unit, name string) string {
	t.Helper()
	return m.run(t, "systemctl", "show", "--value", "-p", name, unit)
}

// write writes a file of the machine.
func (m *machine) write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(m.Path(path)), 0o755))
	must(t, os.WriteFile(m.Path(path), []byte(content), 0o644))
}

// until calls try until it returns nil.
func (m *machine) until(t *testing.T, try func() error) {
	t.Helper()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-m.ctx.Done():
			t.Fatal("waited too long: ", err)
		}
	}
}

// status waits until the daemon's status is as ok says.
func (m *machine) status(t *testing.T, ok func(control.Status) bool) (last control.Status) {
	t.Helper()
	client := control.NewClient(m.Path("/run/leaseroute/control.sock"))
	m.until(t, func() error {
		last = control.Status{}
		if err := client.Get(m.ctx, "/v1/status", nil, &last); err != nil {
			return err
		}
		if !ok(last) {
			return fmt.Errorf("the status is %+v", last)
		}
		return nil
	})
	return last
}

// routes are the prefixes that the daemon has routed, the covering one left
// out.
func (m *machine) routes(t *testing.T) (n int) {
	t.Helper()
	all, err := m.Router.Routes(protocol)
	must(t, err)
	for _, r := range all {
		if !r.Blackhole {
			n++
		}
	}
	return n
}

// absent reports what is there although it should not be.
func (m *machine) absent(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if _, err := os.Lstat(m.Path(p)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there (%v)", p, err)
		}
	}
}
