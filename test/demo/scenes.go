//go:build linux

package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"leaseroute/test/lab"
)

// network tells what was built.
func (s *stage) network(context.Context) error {
	s.say("a small provider: DHCP server and core -- edge router -- subscribers, in network namespaces")
	s.tell("look inside with: ip netns exec %s ip -6 route", s.Router.Name)
	return nil
}

// dhcp starts the DHCP server.
func (s *stage) dhcp(ctx context.Context) error {
	s.say("the DHCP server (%s) has delegated a prefix to each of %d subscribers", s.DHCP, s.Subscribers)
	if err := s.dhcpd.start(ctx, s); err != nil {
		return err
	}
	r := s.dhcpd.subscriber()
	s.target = r.Prefix.Addr().Next()
	s.tell("one of them: %s via %s dev %s", r.Prefix, r.Gateway, r.Dev)
	s.config = s.Path("leaseroute.yaml")
	return errors.Join(os.WriteFile(s.config, s.configuration(), 0o600), s.Answer(ctx, r))
}

// normal is a day before the power cut.
func (s *stage) normal(ctx context.Context) error {
	s.say("an ordinary day: leaseroute runs on the router")
	if err := s.boot(ctx); err != nil {
		return err
	}
	return s.expectAnswer(ctx)
}

// powerCut takes the daemon and all routes away.
func (s *stage) powerCut(ctx context.Context) error {
	s.say("power cut: the router restarts, and its routes are gone")
	if err := s.Reboot(ctx); err != nil {
		return err
	}
	if err := s.count(ctx); err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, noAnswer)
	defer cancel()
	if _, err := s.Server.Ping(short, s.target); err == nil {
		return errors.New("the ping was answered although no route should be there")
	}
	s.tell("ping %s from the core: no answer", s.target)
	return nil
}

// recover starts leaseroute on the router that has lost everything.
func (s *stage) recover(ctx context.Context) error {
	s.say("leaseroute starts, and asks the DHCP server for all leases made through this router")
	start := time.Now()
	if err := s.boot(ctx); err != nil {
		return err
	}
	s.tell("%.2f s after its start all is back", time.Since(start).Seconds())
	return s.expectAnswer(ctx)
}

// look shows what an operator sees.
func (s *stage) look(ctx context.Context) error {
	s.say("what the operator sees")
	for _, args := range [][]string{{"status"}, {"show", "bindings"}, {"explain", s.dhcpd.subscriber().Prefix.String()}} {
		if err := s.show(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// show runs a command and prints the first lines of what it says.
func (s *stage) show(ctx context.Context, args ...string) error {
	const most = 12
	var out bytes.Buffer
	cmd := s.command(ctx, args...)
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("leaseroute %s: %w", strings.Join(args, " "), err)
	}
	s.tell("$ leaseroute %s", strings.Join(args, " "))
	lines := strings.SplitAfter(strings.TrimRight(out.String(), "\n"), "\n")
	for i, line := range lines {
		if i == most {
			s.tell("... %d more lines", len(lines)-most)
			break
		}
		s.tell("%s", strings.TrimRight(line, "\n"))
	}
	return nil
}

// boot starts the daemon and waits, with its progress on the terminal, until
// it has recovered.
func (s *stage) boot(ctx context.Context) error {
	s.tell("$ leaseroute run -c leaseroute.yaml &")
	var err error
	if s.daemon, err = s.Start(s.Router.Command(ctx, s.Binary, "run", "-c", s.config)); err != nil {
		return err
	}
	s.tell("$ leaseroute wait --recovered")
	if err := s.command(ctx, "wait", "--recovered", "--timeout", "1m").Run(); err != nil {
		return fmt.Errorf("leaseroute did not recover: %w; it printed:\n%s", err, s.daemon.Output())
	}
	return s.count(ctx)
}

// count says how many routes of ours the kernel holds.
func (s *stage) count(ctx context.Context) error {
	routes, err := s.Router.Routes(protocol)
	if err != nil {
		return err
	}
	routes = slices.DeleteFunc(routes, func(r lab.Route) bool { return r.Blackhole })
	s.tell("routes to delegated prefixes in the router's kernel: %d", len(routes))
	return nil
}

// expectAnswer pings the subscriber from the core.
func (s *stage) expectAnswer(ctx context.Context) error {
	took, err := s.Server.Ping(ctx, s.target)
	if err != nil {
		return err
	}
	s.tell("ping %s from the core: answered in %s", s.target, took.Round(time.Microsecond))
	return nil
}
