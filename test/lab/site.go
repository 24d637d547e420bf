//go:build linux

package lab

import (
	"context"
	"fmt"
	"net/netip"
)

// A Site is a place on an edge's core link where a DHCPv6 server can run. The
// interface is core0.
type Site struct {
	Space   *Namespace
	Address netip.Addr // to which a relay sends

	lab *Lab
}

// Site returns the edge's own place for a server: e.Server, ServerAddress.
func (e *Edge) Site() Site { return Site{Space: e.Server, Address: ServerAddress, lab: e.Lab} }

// AddSite makes the place for another server on the core link, with an address
// of its own, 2001:db8:0:1::100 + number. The router reaches it, the edge's own
// server does not.
func (e *Edge) AddSite(ctx context.Context, number uint8) (Site, error) {
	n, err := e.Namespace(ctx, fmt.Sprintf("server%d", number))
	if err != nil {
		return Site{}, err
	}
	s := Site{Space: n, Address: siteAddress(number), lab: e.Lab}
	mac := fmt.Sprintf("02:00:00:5e:00:%02x", number)
	if err := e.Server.attach(ctx, "core0", n, "core0", mac); err != nil {
		return Site{}, err
	}
	return s, e.bootCore(ctx, n, s.Address)
}

func siteAddress(number uint8) netip.Addr {
	b := ServerAddress.As16()
	b[14], b[15] = 1, number
	return netip.AddrFrom16(b)
}

// attach gives another namespace an interface on the link behind one of n's.
// The new interface and n's own don't hear one another.
func (n *Namespace) attach(ctx context.Context, dev string, to *Namespace, name, mac string) error {
	return n.IP(ctx, fmt.Sprintf("link add link %s name %s address %s netns %s type macvlan mode bridge", dev, name, mac, to.Name))
}
