//go:build linux

package demo

import (
	"context"
	"net/netip"
	"regexp"
	"strconv"

	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// protocol marks leaseroute's routes in the kernel.
const protocol = 158

// simulated is the server that comes with leaseroute: `leaseroute simulate`.
type simulated struct {
	process *lab.Process
}

var listening = regexp.MustCompile(`listening`)

// start has it hold a lease more than there are subscribers, and keep it to
// itself.
func (d *simulated) start(ctx context.Context, s *stage) (err error) {
	args := []string{
		"simulate", "--listen", netip.AddrPortFrom(lab.ServerAddress, dhcpPort).String(),
		"--clients", strconv.Itoa(s.Subscribers + 1), "--withhold", "1", "--block", lab.Delegated.String(), "--relay-id", relayID,
	}
	for _, a := range s.Access {
		args = append(args, "--link", netip.PrefixFrom(a.Address, a.Subnet.Bits()).String())
	}
	if d.process, err = s.Start(s.Server.Command(ctx, s.Binary, args...)); err != nil {
		return err
	}
	_, err = d.process.WaitLine(ctx, listening)
	return err
}

// subscriber is client 2 of lqserver.Plan: it has the third prefix of the
// block, and is on the first of two links.
func (*simulated) subscriber() lab.Route {
	return lab.Route{
		Prefix:  netip.MustParsePrefix("2001:db8:8000:200::/56"),
		Gateway: netip.MustParseAddr("fe80::d1:ff:fe00:2"),
		Dev:     "acc0",
	}
}

// withheld is the last client of that plan.
func (*simulated) withheld(s *stage) withheld {
	last := s.Subscribers
	at := s.Access[last%len(s.Access)]
	plan, err := lqserver.Generate(lqserver.Plan{
		Clients: last + 1, Block: lab.Delegated,
		Links: []lqserver.Link{{Address: netip.PrefixFrom(at.Address, at.Subnet.Bits())}},
	})
	if err != nil {
		panic(err) // the server made the same
	}
	l := plan.Leases(last)[0]
	return withheld{
		lab.Route{Prefix: l.Prefix, Gateway: l.Relays[0].Peer, Dev: at.Name},
		"one lease the server withholds from its bulk answers (leaseroute simulate --withhold 1)",
	}
}

// serve has ISC dhcpd take the server's place, which leases nothing itself.
func (d *simulated) serve(ctx context.Context, s *stage, tree lab.PeerTree) error {
	d.process.Kill()
	s.tell("the simulated server makes no leases: ISC dhcpd takes its place")
	service := s.Service()
	service.Links[0].Blocks = []lab.KeaPDPool{{Prefix: newcomers, Length: 56}}
	dhcpd, err := s.Site().Dhcpd(tree, service)
	if err != nil {
		return err
	}
	return dhcpd.Start(ctx)
}
