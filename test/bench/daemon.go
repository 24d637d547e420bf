//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// A daemon is leaseroute on the router, recovered.
type daemon struct {
	*control.Client
	process *lab.Process
	took    time.Duration // from its first question to all routes in the kernel
	boot    time.Duration // from the start of the process to that question
}

// What the daemon says when it begins to ask, when that failed, and when all is
// in the kernel.
var (
	asking    = regexp.MustCompile(`msg=recovering`)
	refused   = regexp.MustCompile(`msg="round broke off"`)
	recovered = regexp.MustCompile(`msg=recovered`)
)

// start starts the daemon, configured for a server that knows it by relayID and
// with more lines of YAML.
func (b *bench) start(ctx context.Context, e *lab.Edge, relayID, extra string) (*daemon, error) {
	config, socket := e.Path("leaseroute.yaml"), e.Path("control.sock")
	text := fmt.Sprintf(`relay_id: %q
state_dir: %s
interfaces: { access: ["acc*"], core: ["core0"] }
servers:
  - { name: dhcp1, address: "[%s]:547", source: %q }
delegation: { allowed: [%q] }
control: { socket: %s }
%s
`, relayID, e.Path("state"), lab.ServerAddress, lab.RouterAddress, lab.Delegated, socket, extra)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	p, err := e.Start(e.Router.Command(ctx, b.binary, "run", "-c", config))
	return &daemon{Client: control.NewClient(socket), process: p}, err
}

// recover starts the daemon and waits until it has recovered.
func (b *bench) recover(ctx context.Context, e *lab.Edge, relayID, extra string) (*daemon, error) {
	began := time.Now()
	d, err := b.start(ctx, e, relayID, extra)
	if err != nil {
		return nil, err
	}
	if _, err := d.process.WaitLine(ctx, asking); err != nil {
		return nil, err
	}
	asked := time.Now()
	if _, err := d.process.WaitLine(ctx, recovered); err != nil {
		return nil, err
	}
	d.boot, d.took = asked.Sub(began), time.Since(asked)
	return d, nil
}

// watch starts the daemon where no server answers, and waits until it has
// found that out: then it watches the wire.
func (b *bench) watch(ctx context.Context, e *lab.Edge) (*daemon, error) {
	d, err := b.start(ctx, e, relayID, "")
	if err != nil {
		return nil, err
	}
	_, err = d.process.WaitLine(ctx, refused)
	return d, err
}

// status asks the daemon how it is.
func (d *daemon) status(ctx context.Context) (s control.Status, err error) {
	err = d.Get(ctx, "/v1/status", nil, &s)
	return s, err
}

// complete checks that n bindings have their routes, by the daemon's word and
// by the kernel's.
func (d *daemon) complete(ctx context.Context, e *lab.Edge, n int) error {
	s, err := d.status(ctx)
	if err != nil {
		return err
	}
	there, err := routes(e.Router)
	if err != nil {
		return err
	}
	if s.RoutesInstalled != n || there < n {
		return fmt.Errorf("recovered with %d of %d routes, the kernel has %d", s.RoutesInstalled, n, there)
	}
	return nil
}
