//go:build linux

package demo

import (
	"context"
	"net/netip"
	"regexp"
	"strconv"

	"leaseroute/test/lab"
)

// protocol marks leaseroute's routes in the kernel.
const protocol = 158

// simulated is the server that comes with leaseroute: `leaseroute simulate`.
type simulated struct{}

var listening = regexp.MustCompile(`listening`)

func (simulated) start(ctx context.Context, s *stage) error {
	args := []string{
		"simulate", "--udp=false", "--listen", netip.AddrPortFrom(lab.ServerAddress, 547).String(),
		"--clients", strconv.Itoa(s.Subscribers), "--block", lab.Delegated.String(), "--relay-id", relayID,
	}
	for _, a := range s.Access {
		args = append(args, "--link", netip.PrefixFrom(a.Address, a.Subnet.Bits()).String())
	}
	p, err := s.Start(s.Server.Command(ctx, s.Binary, args...))
	if err != nil {
		return err
	}
	_, err = p.WaitLine(ctx, listening)
	return err
}

// subscriber is client 2 of lqserver.Plan: it has the third prefix of the
// block, and is on the first of two links.
func (simulated) subscriber() lab.Route {
	return lab.Route{
		Prefix:  netip.MustParsePrefix("2001:db8:8000:200::/56"),
		Gateway: netip.MustParseAddr("fe80::d1:ff:fe00:2"),
		Dev:     "acc0",
	}
}

// serve starts ISC dhcpd at the same address: it leases over UDP, while the
// simulated server answers leasequeries over TCP.
func (simulated) serve(ctx context.Context, s *stage, tree lab.PeerTree) error {
	service := s.Service()
	service.Links[0].Blocks = []lab.KeaPDPool{{Prefix: newcomers, Length: 56}}
	dhcpd, err := s.Site().Dhcpd(tree, service)
	if err != nil {
		return err
	}
	return dhcpd.Start(ctx)
}
