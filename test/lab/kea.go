//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
)

// A Kea is an ISC Kea DHCPv6 server, the real thing, in a namespace. Its
// methods are for one goroutine at a time.
type Kea struct {
	lab     *Lab
	space   *Namespace
	tree    KeaTree
	dir     string
	address netip.Addr
	process *Process // nil before the first Start
}

// NewKea prepares a Kea with the leases that it shall know when it starts.
func (l *Lab) NewKea(n *Namespace, tree KeaTree, c KeaConfig, leases []KeaLease) (*Kea, error) {
	dir, err := os.MkdirTemp(l.Dir, "kea-") // mode 700, as Kea wants it
	if err != nil {
		return nil, fmt.Errorf("prepare Kea: %w", err)
	}
	k := &Kea{lab: l, space: n, tree: tree, dir: dir}
	return k, errors.Join(k.Configure(c), k.WriteLeases(leases))
}

// Configure writes the configuration. A running Kea takes it at Reload.
func (k *Kea) Configure(c KeaConfig) error {
	b, err := c.json(k.dir, k.tree.hooks)
	if err != nil {
		return fmt.Errorf("configure Kea: %w", err)
	}
	k.address = c.Address
	return os.WriteFile(k.configFile(), b, 0o600)
}

func (k *Kea) configFile() string { return filepath.Join(k.dir, "kea-dhcp6.conf") }

// WriteLeases replaces what Kea knows. It must not be running.
func (k *Kea) WriteLeases(leases []KeaLease) (err error) {
	f, err := os.Create(filepath.Join(k.dir, keaLeaseFile))
	if err != nil {
		return fmt.Errorf("write Kea's leases: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return writeKeaLeases(f, leases)
}

// Leases reads the leases as Kea has stored them, sorted by prefix.
func (k *Kea) Leases() ([]KeaLease, error) {
	f, err := os.Open(filepath.Join(k.dir, keaLeaseFile))
	if err != nil {
		return nil, fmt.Errorf("read Kea's leases: %w", err)
	}
	defer f.Close()
	return readKeaLeases(f)
}

// Run starts Kea without waiting for it. While it loads its leases (about 4 s
// for 100,000) it refuses connections.
func (k *Kea) Run(ctx context.Context) error {
	args := k.tree.server("-c", k.configFile())
	cmd := k.space.Command(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(),
		"KEA_DHCP_DATA_DIR="+k.dir, "KEA_LOG_FILE_DIR="+k.dir, "KEA_CONTROL_SOCKET_DIR="+k.dir,
		"KEA_PIDFILE_DIR="+k.dir, "KEA_LOCKFILE_DIR="+k.dir, "KEA_HOOKS_PATH="+k.tree.hooks)
	var err error
	k.process, err = k.lab.Start(cmd)
	return err
}

// keaStarted is what Kea prints when it has loaded everything.
var keaStarted = regexp.MustCompile(`DHCP6_STARTED `)

// Start starts Kea and waits until it answers bulk leasequeries over TCP.
func (k *Kea) Start(ctx context.Context) error {
	if err := k.Run(ctx); err != nil {
		return err
	}
	return k.WaitReady(ctx)
}

// WaitReady waits until a Kea that Run has started accepts connections.
func (k *Kea) WaitReady(ctx context.Context) error {
	if _, err := k.process.WaitLine(ctx, keaStarted); err != nil {
		return err
	}
	conn, err := k.space.DialContext(ctx, "tcp", netip.AddrPortFrom(k.address, 547).String())
	if err != nil {
		return fmt.Errorf("wait for Kea: %w; it printed:\n%s", err, k.process.Output())
	}
	return conn.Close()
}

// keaReloaded is what Kea prints after a reload, well or badly ended.
var keaReloaded = regexp.MustCompile(`DHCP6_DYNAMIC_RECONFIGURATION_(SUCCESS|FAIL)`)

// Reload makes Kea read its configuration again. That cuts every bulk
// leasequery that is under way.
func (k *Kea) Reload(ctx context.Context) error {
	if err := k.process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	how, err := k.process.WaitLine(ctx, keaReloaded)
	if err != nil {
		return err
	}
	if how[1] != "SUCCESS" {
		return fmt.Errorf("reload Kea: it printed:\n%s", k.process.Output())
	}
	return nil
}

// Kill ends Kea at once. It may be started again.
func (k *Kea) Kill() { k.process.Kill() }

// Stop ends Kea as a service manager would. It may be started again.
func (k *Kea) Stop(ctx context.Context) error { return k.process.Stop(ctx) }

// Process returns the running server, for its output and its number.
func (k *Kea) Process() *Process { return k.process }

// Dial connects to the server from a namespace, for bulk leasequery.
func (k *Kea) Dial(ctx context.Context, from *Namespace) (net.Conn, error) {
	return from.DialContext(ctx, "tcp", netip.AddrPortFrom(k.address, 547).String())
}
