//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// A Dhcpd is an ISC dhcpd for DHCPv6, the real thing, in a namespace. It
// answers leasequeries over UDP. Its methods are for one goroutine at a time.
type Dhcpd struct {
	lab     *Lab
	space   *Namespace
	tree    PeerTree
	dir     string
	address netip.Addr
	process *Process // nil before the first Start
}

// Dhcpd prepares a dhcpd that holds no lease.
func (s Site) Dhcpd(tree PeerTree, service Service) (*Dhcpd, error) {
	dir, err := os.MkdirTemp(s.lab.Dir, "dhcpd-")
	if err != nil {
		return nil, fmt.Errorf("prepare dhcpd: %w", err)
	}
	d := &Dhcpd{lab: s.lab, space: s.Space, tree: tree, dir: dir, address: s.Address}
	return d, errors.Join(d.Serve(service), os.WriteFile(d.leaseFile(), nil, 0o600))
}

// Serve changes what dhcpd serves, from its next start on.
func (d *Dhcpd) Serve(s Service) error {
	return os.WriteFile(d.path("dhcpd.conf"), []byte(dhcpdConfig(s, d.address)), 0o600)
}

func (d *Dhcpd) path(name string) string { return filepath.Join(d.dir, name) }
func (d *Dhcpd) leaseFile() string       { return d.path("dhcpd6.leases") }

// dhcpdStarted is what dhcpd prints when its sockets are open.
var dhcpdStarted = regexp.MustCompile(`^Server starting service\.$`)

// Start starts dhcpd and waits until it serves.
func (d *Dhcpd) Start(ctx context.Context) error {
	args, err := d.tree.program("dhcpd", "-6", "-d", "-cf", d.path("dhcpd.conf"), "-lf", d.leaseFile(),
		"-pf", d.path("dhcpd.pid"), "core0")
	if err != nil {
		return err
	}
	if d.process, err = d.lab.Start(d.space.Command(ctx, args[0], args[1:]...)); err != nil {
		return err
	}
	_, err = d.process.WaitLine(ctx, dhcpdStarted)
	return err
}

// Held reads which leases are live at an instant, sorted by prefix, from
// dhcpd's own lease file. dhcpd may be running.
func (d *Dhcpd) Held(now time.Time) ([]Lease, error) {
	b, err := os.ReadFile(d.leaseFile())
	if err != nil {
		return nil, fmt.Errorf("read dhcpd's leases: %w", err)
	}
	return readDhcpdLeases(string(b), now)
}

// Forget makes dhcpd hold no lease. It must not be running.
func (d *Dhcpd) Forget() error { return os.WriteFile(d.leaseFile(), nil, 0o600) }

// Age makes all that dhcpd knows of its leases that much older. It must not be
// running.
func (d *Dhcpd) Age(by time.Duration) error {
	b, err := os.ReadFile(d.leaseFile())
	if err != nil {
		return fmt.Errorf("age dhcpd's leases: %w", err)
	}
	return os.WriteFile(d.leaseFile(), []byte(ageDhcpdLeases(string(b), by)), 0o600)
}

// Kill ends dhcpd at once. It may be started again.
func (d *Dhcpd) Kill() { d.process.Kill() }

// Stop ends dhcpd as a service manager would. It may be started again.
func (d *Dhcpd) Stop(ctx context.Context) error {
	var exit interface{ ExitCode() int }
	if err := d.process.Stop(ctx); !errors.As(err, &exit) {
		return err
	}
	return nil // it ends by the signal
}

// Process returns the running server, for its output and its number.
func (d *Dhcpd) Process() *Process { return d.process }
