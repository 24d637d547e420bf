//go:build linux

package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"leaseroute/test/lab"
)

const (
	// patience bounds the demonstration, and the life of what it starts.
	patience = 5 * time.Minute
	// noAnswer is how long a ping that is expected to fail is waited for.
	noAnswer = time.Second
)

// relayID is the router's relay-id: what the server knows its leases by.
const relayID = "000300010200000000b0"

// Options say what is shown.
type Options struct {
	Binary      string // the leaseroute to show
	DHCP        string // the DHCP server: "simulated" or "kea"
	Subscribers int
	Out         io.Writer
}

// A stage is the demonstration while it runs.
type stage struct {
	Options
	*lab.Edge
	step   int
	config string       // the router's configuration file
	target netip.Addr   // an address behind one subscriber
	daemon *lab.Process // leaseroute on the router
	dhcpd  dhcpServer
}

// A dhcpServer is the server of the demonstration.
type dhcpServer interface {
	// start starts the server and returns when it answers.
	start(ctx context.Context, s *stage) error
	// subscriber is one route that the server's leases should give.
	subscriber() lab.Route
	// withheld is a lease that it tells of only when asked about it.
	withheld(s *stage) withheld
	// serve makes it lease prefixes to new clients.
	serve(ctx context.Context, s *stage, tree lab.PeerTree) error
}

// Run shows it, and takes everything away again, also when ctx ends first.
func Run(ctx context.Context, o Options) error {
	servers := map[string]dhcpServer{"simulated": &simulated{}, "kea": &kea{}}
	server, ok := servers[o.DHCP]
	if !ok {
		return fmt.Errorf("server %q: choose simulated or kea", o.DHCP)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("the demonstration got stuck"))
	defer cancel()
	l, err := lab.New(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	s := &stage{Options: o, dhcpd: server}
	if s.Edge, err = l.NewEdge(ctx, 2); err != nil {
		return err
	}
	err = s.play(ctx)
	if errors.Is(context.Cause(ctx), context.Canceled) {
		fmt.Fprintln(o.Out, "\ninterrupted; everything is taken away again")
		return nil
	}
	return err
}

// play is the demonstration, scene by scene.
func (s *stage) play(ctx context.Context) error {
	scenes := []func(context.Context) error{s.network, s.dhcp, s.normal, s.powerCut, s.recover, s.look, s.unheard, s.newcomer}
	for _, scene := range scenes {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	s.say("done; everything is taken away again")
	return nil
}

// say prints the headline of the next step.
func (s *stage) say(format string, args ...any) {
	s.step++
	fmt.Fprintf(s.Out, "\n[%d] %s\n", s.step, fmt.Sprintf(format, args...))
}

// tell prints one line under the headline.
func (s *stage) tell(format string, args ...any) {
	fmt.Fprintf(s.Out, "    %s\n", fmt.Sprintf(format, args...))
}

// command runs leaseroute on the router and shows what it prints.
func (s *stage) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := s.Router.Command(ctx, s.Binary, append(args, "-c", s.config)...)
	cmd.Stdout, cmd.Stderr = s.Out, os.Stderr
	return cmd
}
