//go:build linux

package lab

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Route is what matters of a route when two sets of routes are compared.
type Route struct {
	Prefix    netip.Prefix
	Gateway   netip.Addr // the zero Addr if the route has none
	Dev       string     // name of the interface; empty for a blackhole
	Blackhole bool
}

// Compare orders routes by prefix, then by the rest.
func (r Route) Compare(o Route) int {
	return cmp.Or(r.Prefix.Compare(o.Prefix), r.Gateway.Compare(o.Gateway), cmp.Compare(r.Dev, o.Dev))
}

// Routes lists the routes of all tables that have a protocol number, of both
// families and in order. A route with several next hops appears once for each.
// It must not be called while many routes are being installed: a dump makes
// the kernel quadratically slow.
func (n *Namespace) Routes(protocol int) ([]Route, error) {
	h, err := netlink.NewHandleAt(n.space, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("list routes in %s: %w", n.Name, err)
	}
	defer h.Close()
	for {
		routes, err := list(h, protocol)
		if errors.Is(err, netlink.ErrDumpInterrupted) {
			continue // the table changed under the dump
		}
		if err != nil {
			return nil, fmt.Errorf("list routes in %s: %w", n.Name, err)
		}
		slices.SortFunc(routes, Route.Compare)
		return routes, nil
	}
}

func list(h *netlink.Handle, protocol int) ([]Route, error) {
	names, err := linkNames(h)
	if err != nil {
		return nil, err
	}
	filter := &netlink.Route{Protocol: netlink.RouteProtocol(protocol)}
	var routes []Route
	for _, family := range []int{netlink.FAMILY_V6, netlink.FAMILY_V4} {
		// An unset table in the filter means all tables.
		err := h.RouteListFilteredIter(family, filter, netlink.RT_FILTER_PROTOCOL|netlink.RT_FILTER_TABLE, func(r netlink.Route) bool {
			routes = append(routes, flatten(r, family, names)...)
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return routes, nil
}

func linkNames(h *netlink.Handle) (map[int]string, error) {
	links, err := h.LinkList()
	if err != nil {
		return nil, err
	}
	names := make(map[int]string)
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	return names, nil
}

// flatten turns the library's route into one of ours for each next hop.
func flatten(r netlink.Route, family int, names map[int]string) []Route {
	prefix := prefixOf(r.Dst, family)
	if r.Type == unix.RTN_BLACKHOLE {
		return []Route{{Prefix: prefix, Blackhole: true}}
	}
	if len(r.MultiPath) == 0 {
		return []Route{{Prefix: prefix, Gateway: addrOf(r.Gw), Dev: names[r.LinkIndex]}}
	}
	var routes []Route
	for _, hop := range r.MultiPath {
		routes = append(routes, Route{Prefix: prefix, Gateway: addrOf(hop.Gw), Dev: names[hop.LinkIndex]})
	}
	return routes
}

// prefixOf converts a destination; nil is the default route.
func prefixOf(dst *net.IPNet, family int) netip.Prefix {
	if dst == nil {
		if family == netlink.FAMILY_V4 {
			return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		}
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	bits, _ := dst.Mask.Size()
	return netip.PrefixFrom(addrOf(dst.IP), bits)
}

func addrOf(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
