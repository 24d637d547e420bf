//go:build linux

package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// newcomers is where the server delegates prefixes from to those who come
// after the power cut: nobody there has one yet.
var newcomers = netip.MustParsePrefix("2001:db8:ff00::/44")

// newcomer is a subscriber who comes, and goes: what passes between relay and
// server is gleaned.
func (s *stage) newcomer(ctx context.Context) error {
	s.say("a new subscriber: dhclient asks through dhcrelay; leaseroute watches, and asks nobody")
	tree, err := lab.FetchPeers(ctx, os.Stderr)
	if err != nil {
		return err
	}
	if err := s.serve(ctx, tree); err != nil {
		return err
	}
	cpe, err := s.NewCPE(ctx, s.Access[0], 1)
	if err != nil {
		return err
	}
	client, err := cpe.NewClient(tree, lab.ClientConfig{Program: lab.Dhclient, Prefixes: 1})
	if err != nil {
		return err
	}
	if err := s.arrive(ctx, cpe, client); err != nil {
		return err
	}
	return s.depart(ctx, client)
}

// serve starts the relay, and a DHCP server that makes leases.
func (s *stage) serve(ctx context.Context, tree lab.PeerTree) error {
	if err := s.dhcpd.serve(ctx, s, tree); err != nil {
		return err
	}
	relay, err := s.Relay(tree, false, s.Site())
	if err != nil {
		return err
	}
	return relay.Start(ctx)
}

// arrive lets the client get its prefix, and tells when the route was there.
func (s *stage) arrive(ctx context.Context, cpe *lab.CPE, client *lab.Client) error {
	before, err := s.Router.Routes(protocol)
	if err != nil {
		return err
	}
	var routed time.Time
	var watch errgroup.Group // not with a context: the client lives longer
	watch.Go(func() error {
		err := s.Router.WaitRoutes(ctx, protocol, func(now map[netip.Prefix]lab.Route) bool { return len(now) > len(before) })
		routed = time.Now()
		return err
	})
	if err := client.Start(ctx); err != nil {
		return err
	}
	told, err := client.Wait(ctx, lab.Bound)
	if err != nil {
		return err
	}
	s.tell("dhclient: bound to %s", told.Prefix)
	if err := watch.Wait(); err != nil {
		return err
	}
	seen, err := s.gleaned(ctx, told.Prefix)
	if err != nil {
		return err
	}
	s.tell("its route was in the kernel %.1f ms after the server's Reply passed the router", float64(routed.Sub(seen))/float64(time.Millisecond))
	s.target = told.Prefix.Addr().Next()
	if err := cpe.Answer(ctx, told.Prefix); err != nil {
		return err
	}
	return s.expectAnswer(ctx)
}

// depart lets the client give its prefix back.
func (s *stage) depart(ctx context.Context, client *lab.Client) error {
	before, err := s.Router.Routes(protocol)
	if err != nil {
		return err
	}
	var gone errgroup.Group
	gone.Go(func() error {
		return s.Router.WaitRoutes(ctx, protocol, func(now map[netip.Prefix]lab.Route) bool { return len(now) < len(before) })
	})
	if err := client.Release(ctx); err != nil {
		return err
	}
	if err := gone.Wait(); err != nil {
		return err
	}
	s.tell("dhclient: released; its route is gone")
	return nil
}

// gleaned asks the daemon when the packet passed that taught it a prefix.
func (s *stage) gleaned(ctx context.Context, p netip.Prefix) (time.Time, error) {
	var out bytes.Buffer
	cmd := s.command(ctx, "explain", p.String(), "--json")
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return time.Time{}, fmt.Errorf("leaseroute explain: %w", err)
	}
	var e control.Explanation
	if err := json.Unmarshal(out.Bytes(), &e); err != nil {
		return time.Time{}, fmt.Errorf("leaseroute explain: %w", err)
	}
	for _, v := range e.Events {
		if v.Source == "glean" {
			return v.At, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s was not gleaned: %s", p, out.String())
}
