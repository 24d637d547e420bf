//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
)

// The addresses of an Edge that do not depend on its size.
var (
	// ServerAddress is where DHCP servers listen, on the core link.
	ServerAddress = netip.MustParseAddr("2001:db8:0:1::1")
	// RouterAddress is the router's address on the core link.
	RouterAddress = netip.MustParseAddr("2001:db8:0:1::2")
	// Delegated is the block of which subscribers get their prefixes. The
	// server's namespace reaches it through the router.
	Delegated = netip.MustParsePrefix("2001:db8:8000::/33")
)

// MaxAccess is the largest number of access links of an Edge.
const MaxAccess = 1000

// An Edge is an operator's network in small:
//
//	server ──core0────core0── router ──acc0────wan0── subscribers 0
//	 ::1                 ::2         ──acc1────wan0── subscribers 1 ...
//
// The router forwards, and routes none of the delegated prefixes by itself.
// The server stands for all that is behind the core link: DHCP servers, and
// the world that talks to subscribers.
type Edge struct {
	*Lab
	Server *Namespace
	Router *Namespace
	Access []Access
}

// Access is one of the router's links towards subscribers.
type Access struct {
	Name        string       // the router's interface: acc0, ...
	Address     netip.Addr   // the router's global address there, and so the relay's link-address
	Subnet      netip.Prefix // the /48 of which that address is ::1
	Subscribers *Namespace   // the other end, with the interface wan0
}

// gateway is the router's link-local address on every access link.
const gateway = "fe80::1"

// NewEdge makes an Edge with a number of access links, from 1 to MaxAccess. On
// error the lab is to be closed.
func (l *Lab) NewEdge(ctx context.Context, access int) (*Edge, error) {
	if access < 1 || access > MaxAccess {
		return nil, fmt.Errorf("make an edge: %d access links, want 1 to %d", access, MaxAccess)
	}
	e := &Edge{Lab: l}
	var err error
	if e.Server, err = l.Namespace(ctx, "server"); err != nil {
		return nil, err
	}
	if e.Router, err = l.Namespace(ctx, "router"); err != nil {
		return nil, err
	}
	if err := e.Router.IP(ctx, "link add core0 type veth peer name core0 netns "+e.Server.Name); err != nil {
		return nil, err
	}
	for i := range access {
		if err := e.addAccess(ctx, i); err != nil {
			return nil, err
		}
	}
	return e, errors.Join(e.bootRouter(ctx), e.bootServer(ctx))
}

// addAccess makes an access link and its subscribers.
func (e *Edge) addAccess(ctx context.Context, i int) error {
	address := netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::1", i+1))
	subscribers, err := e.Namespace(ctx, fmt.Sprintf("subs%d", i))
	if err != nil {
		return err
	}
	a := Access{
		Name:        fmt.Sprintf("acc%d", i),
		Address:     address,
		Subnet:      netip.PrefixFrom(address, 48).Masked(),
		Subscribers: subscribers,
	}
	e.Access = append(e.Access, a)
	return errors.Join(
		e.Router.IP(ctx, fmt.Sprintf("link add %s type veth peer name wan0 netns %s", a.Name, subscribers.Name)),
		subscribers.IP(ctx, "link set wan0 up", "route add default via "+gateway+" dev wan0"),
	)
}

// bootServer configures the server's side of the core link.
func (e *Edge) bootServer(ctx context.Context) error { return e.bootCore(ctx, e.Server, ServerAddress) }

// bootCore configures a namespace on the core link.
func (e *Edge) bootCore(ctx context.Context, n *Namespace, address netip.Addr) error {
	if err := n.IP(ctx, e.coreCommands(address)...); err != nil {
		return err
	}
	return n.waitDelivery(ctx, address)
}

// coreCommands configure a namespace on the core link, with an address there
// and the way to the subscribers.
func (e *Edge) coreCommands(address netip.Addr) []string {
	commands := []string{
		"link set core0 up",
		fmt.Sprintf("address add %s/64 dev core0 nodad", address),
		fmt.Sprintf("route add %s via %s", Delegated, RouterAddress),
	}
	for _, a := range e.Access {
		commands = append(commands, fmt.Sprintf("route add %s via %s", a.Subnet, RouterAddress))
	}
	return commands
}

// bootRouter configures the router as its start-up scripts would.
func (e *Edge) bootRouter(ctx context.Context) error {
	if err := e.Router.Sysctl("net.ipv6.conf.all.forwarding", "1"); err != nil {
		return err
	}
	commands := []string{"link set core0 up", fmt.Sprintf("address add %s/64 dev core0 nodad", RouterAddress)}
	addresses := []netip.Addr{RouterAddress}
	for _, a := range e.Access {
		addresses = append(addresses, a.Address)
		commands = append(commands,
			fmt.Sprintf("link set %s up", a.Name),
			fmt.Sprintf("address add %s/64 dev %s nodad", gateway, a.Name),
			fmt.Sprintf("address add %s/64 dev %s nodad", a.Address, a.Name))
	}
	if err := e.Router.IP(ctx, commands...); err != nil {
		return err
	}
	return e.Router.waitDelivery(ctx, addresses...)
}

// Reboot is a power cut at the router: every process in it is killed, and
// addresses, routes and neighbours are lost. Then it boots, without them.
func (e *Edge) Reboot(ctx context.Context) error {
	if err := e.Router.KillAll(); err != nil {
		return err
	}
	commands := []string{"link set core0 down"} // takes the addresses and routes along
	for _, a := range e.Access {
		commands = append(commands, fmt.Sprintf("link set %s down", a.Name))
	}
	commands = append(commands, "route flush table main")
	if err := e.Router.IP(ctx, commands...); err != nil {
		return err
	}
	return e.bootRouter(ctx)
}

// Answer makes subscribers that answer: on the link that is route.Dev, route's
// gateway resolves, and every address in its prefix answers a ping.
//
// Only subscribers that a test really talks to need this. A route may be
// installed through a next hop that nobody answers for, so ten thousand of
// those cost nothing; and a route through a wrong next hop is noticed, which
// it would not be if a proxy answered for all of them. The kernel takes time
// that grows with the square of their number: be content with hundreds.
func (e *Edge) Answer(ctx context.Context, routes ...Route) error {
	for _, a := range e.Access {
		var commands []string
		for _, r := range routes {
			if r.Dev != a.Name {
				continue
			}
			commands = append(commands,
				fmt.Sprintf("address replace %s/128 dev wan0 nodad", r.Gateway),
				fmt.Sprintf("route replace local %s dev lo", r.Prefix))
		}
		if len(commands) == 0 {
			continue
		}
		if err := a.Subscribers.IP(ctx, commands...); err != nil {
			return err
		}
	}
	return nil
}
