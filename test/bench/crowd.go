//go:build linux

package main

import (
	"context"
	"encoding/hex"
	"net/netip"
	"regexp"
	"strconv"
	"time"

	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// A crowd is that many subscribers of the simulated server, each with a /56
// and a link-local next hop of its own, in turns on the access links.
type crowd int

// relayID is what the simulated server knows the router by.
const relayID = "000300010200000000b0"

var listening = regexp.MustCompile(`listening`)

// serve starts the server, a process of its own, with more arguments.
func (c crowd) serve(ctx context.Context, e *lab.Edge, binary string, more ...string) (*lab.Process, error) {
	args := []string{
		"simulate", "--listen", netip.AddrPortFrom(lab.ServerAddress, 547).String(),
		"--clients", strconv.Itoa(int(c)), "--block", lab.Delegated.String(), "--relay-id", relayID,
	}
	for _, l := range linksOf(e) {
		args = append(args, "--link", l.Address.String())
	}
	p, err := e.Start(e.Server.Command(ctx, binary, append(args, more...)...))
	if err != nil {
		return nil, err
	}
	_, err = p.WaitLine(ctx, listening)
	return p, err
}

func linksOf(e *lab.Edge) (links []lqserver.Link) {
	id, _ := hex.DecodeString(relayID)
	for _, a := range e.Access {
		links = append(links, lqserver.Link{Address: netip.PrefixFrom(a.Address, a.Subnet.Bits()), RelayID: id})
	}
	return links
}

// A target is a route as the daemon installs it.
type target struct {
	lab.Route
	expires time.Duration // from now
	client  []byte        // DUID
}

// margin is routes.fail_safe_margin.
const margin = 10 * time.Minute

// targets returns the routes in the order in which the server tells of them.
func (c crowd) targets(e *lab.Edge) ([]target, error) {
	plan := lqserver.Plan{Clients: int(c), Block: lab.Delegated, Links: linksOf(e), Enterprise: 32473}
	store, err := lqserver.Generate(plan)
	if err != nil {
		return nil, err
	}
	targets := make([]target, c)
	for i := range targets {
		l := store.Leases(i)[0]
		targets[i] = target{
			Route:   lab.Route{Prefix: l.Prefix, Gateway: l.Relays[0].Peer, Dev: e.Access[i%len(e.Access)].Name},
			expires: time.Until(l.Last.Add(l.Valid)) + margin,
			client:  l.Client,
		}
	}
	return targets, nil
}
