//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// watchBuffer is room for the notifications of a burst of routes. A watch that
// loses some of them nevertheless begins anew.
const watchBuffer = 64 << 20

// errLost reports that the kernel had more to tell than the watch could take.
var errLost = errors.New("route notifications were lost")

// WaitRoutes waits until done says that the routes with a protocol number are
// as they should be. It is asked at once and after every change, and must
// neither keep nor change the map. WaitRoutes follows the kernel's
// notifications, so it may be used while routes are being installed.
func (n *Namespace) WaitRoutes(ctx context.Context, protocol int, done func(map[netip.Prefix]Route) bool) error {
	for {
		err := n.followRoutes(ctx, protocol, done)
		if !errors.Is(err, errLost) {
			return err
		}
	}
}

func (n *Namespace) followRoutes(ctx context.Context, protocol int, done func(map[netip.Prefix]Route) bool) error {
	stop := make(chan struct{})
	updates := make(chan netlink.RouteUpdate, 1024) // closed by the library
	defer func() {
		close(stop)
		for range updates { // else the library's goroutine stays
		}
	}()
	// The watch comes first: what changes during the list is told again.
	if err := netlink.RouteSubscribeWithOptions(updates, stop, netlink.RouteSubscribeOptions{
		Namespace: &n.space, ReceiveBufferSize: watchBuffer, ReceiveBufferForceSize: true,
	}); err != nil {
		close(updates)
		return fmt.Errorf("watch routes in %s: %w", n.Name, err)
	}
	have, names, err := n.current(protocol)
	if err != nil {
		return err
	}
	for !done(have) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for routes in %s, of which there are %d: %w", n.Name, len(have), context.Cause(ctx))
		case u, open := <-updates:
			if !open {
				return errLost
			}
			if int(u.Protocol) == protocol {
				update(have, u, names)
			}
		}
	}
	return nil
}

// current lists the routes that there are, and the names of the interfaces.
func (n *Namespace) current(protocol int) (map[netip.Prefix]Route, map[int]string, error) {
	routes, err := n.Routes(protocol)
	if err != nil {
		return nil, nil, err
	}
	h, err := netlink.NewHandleAt(n.space, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, nil, err
	}
	defer h.Close()
	names, err := linkNames(h)
	have := make(map[netip.Prefix]Route, len(routes))
	for _, r := range routes {
		have[r.Prefix] = r
	}
	return have, names, err
}

// update does to have what the notification says.
func update(have map[netip.Prefix]Route, u netlink.RouteUpdate, names map[int]string) {
	for _, r := range flatten(u.Route, u.Family, names) {
		if u.Type == unix.RTM_DELROUTE {
			delete(have, r.Prefix)
		} else {
			have[r.Prefix] = r
		}
	}
}
