//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
)

// An Aggregation is a router on an access link that has subscribers of its
// own, and relays for them to the relay agent of the edge's router:
//
//	router ──acc0──┬──wan0── subscribers 0
//	               └──wan0── aggregation ──acc0────wan0── its subscribers
type Aggregation struct {
	Router  *Namespace
	Address netip.Addr // on the edge's access link: the next hop for what is behind
	Access  Access     // its own link; the subnet is a /64 of the edge's access link

	lab    *Lab
	parent netip.Addr // the edge's router on the access link
}

// AddAggregation makes such a router, at most one on each of the edge's access
// links.
func (e *Edge) AddAggregation(ctx context.Context, a Access) (*Aggregation, error) {
	router, err := e.Namespace(ctx, "agg-"+a.Name)
	if err != nil {
		return nil, err
	}
	subscribers, err := e.Namespace(ctx, "agg-"+a.Name+"-subs")
	if err != nil {
		return nil, err
	}
	address := inside(a.Subnet)
	g := &Aggregation{
		Router: router, Address: below(a.Subnet), lab: e.Lab, parent: a.Address,
		Access: Access{Name: "acc0", Address: address, Subnet: netip.PrefixFrom(address, 64).Masked(), Subscribers: subscribers},
	}
	return g, errors.Join(
		router.Sysctl("net.ipv6.conf.all.forwarding", "1"),
		a.Subscribers.attach(ctx, "wan0", router, "wan0", "02:00:00:a9:00:01"),
		router.IP(ctx, "link set wan0 up",
			fmt.Sprintf("address add %s/64 dev wan0 nodad", g.Address),
			"route add default via "+gateway+" dev wan0",
			"link add acc0 type veth peer name wan0 netns "+subscribers.Name,
			"link set acc0 up",
			"address add "+gateway+"/64 dev acc0 nodad",
			fmt.Sprintf("address add %s/64 dev acc0 nodad", address)),
		subscribers.IP(ctx, "link set wan0 up", "route add default via "+gateway+" dev wan0"),
	)
}

// Relay prepares the aggregation's relay agent.
func (g *Aggregation) Relay(tree PeerTree, interfaceID bool) (*Relay, error) {
	return g.lab.NewRelay(g.Router, tree, RelayConfig{
		Access:      []string{g.Access.Name},
		Servers:     []netip.Addr{g.parent.WithZone("wan0")},
		InterfaceID: interfaceID,
	})
}

// Route makes the aggregation forward a prefix to a client of its own.
func (g *Aggregation) Route(ctx context.Context, prefix netip.Prefix, to *CPE) error {
	return g.Router.IP(ctx, fmt.Sprintf("route replace %s via %s dev %s", prefix, to.LinkLocal, g.Access.Name))
}
