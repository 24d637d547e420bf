//go:build linux

package lab

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
)

// RelayConfig says how a relay agent is set up.
type RelayConfig struct {
	// Access are the interfaces towards clients. Each needs a global address,
	// the first of which becomes the link-address.
	Access []string
	// Servers are where client messages go, each with the interface as its
	// zone: 2001:db8:0:1::1%core0.
	Servers []netip.Addr
	// InterfaceID makes the relay send Interface-Id also if there is one
	// access interface only; with more it always does.
	InterfaceID bool
}

// A Relay is a real `dhcrelay -6` in a namespace. It holds UDP port 547 there.
// Its methods are for one goroutine at a time.
type Relay struct {
	lab     *Lab
	space   *Namespace
	command []string
	sockets int // how many it opens
	process *Process
}

// NewRelay prepares a relay agent.
func (l *Lab) NewRelay(n *Namespace, tree PeerTree, c RelayConfig) (*Relay, error) {
	args := []string{"-6", "-d", "--no-pid"}
	if c.InterfaceID {
		args = append(args, "-I")
	}
	sockets := make(map[string]bool)
	for _, name := range c.Access {
		args = append(args, "-l", name)
		sockets[name] = true
	}
	for _, server := range c.Servers {
		args = append(args, "-u", server.String())
		sockets[server.Zone()] = true
	}
	command, err := tree.program("dhcrelay", args...)
	if err != nil {
		return nil, fmt.Errorf("prepare a relay: %w", err)
	}
	return &Relay{lab: l, space: n, command: command, sockets: len(sockets)}, nil
}

// Relay prepares the relay agent of the edge's router: from all access links
// to servers on the core link, of which there is at least one.
func (e *Edge) Relay(tree PeerTree, interfaceID bool, servers ...Site) (*Relay, error) {
	c := RelayConfig{InterfaceID: interfaceID}
	for _, a := range e.Access {
		c.Access = append(c.Access, a.Name)
	}
	for _, s := range servers {
		c.Servers = append(c.Servers, s.Address.WithZone("core0"))
	}
	return e.NewRelay(e.Router, tree, c)
}

// relaySocket is what dhcrelay prints for each of its sockets.
var relaySocket = regexp.MustCompile(`^Sending on +Socket/`)

// Start starts the relay agent, the first time or again, and waits until it
// listens on all interfaces.
func (r *Relay) Start(ctx context.Context) (err error) {
	if r.process, err = r.lab.Start(r.space.Command(ctx, r.command[0], r.command[1:]...)); err != nil {
		return err
	}
	for range r.sockets {
		if _, err := r.process.WaitLine(ctx, relaySocket); err != nil {
			return err
		}
	}
	return nil
}

// Kill ends the relay agent at once. It may be started again.
func (r *Relay) Kill() { r.process.Kill() }

// Process returns the running relay agent. It prints a line for each message
// that it passes on.
func (r *Relay) Process() *Process { return r.process }
