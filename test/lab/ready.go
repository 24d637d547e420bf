//go:build linux

package lab

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// waitDelivery waits until packets to addresses of the namespace are delivered
// in there. The kernel accepts an address at once, but inserts its local route
// a moment later, from a work queue: until then it looks for a neighbour.
func (n *Namespace) waitDelivery(ctx context.Context, addresses ...netip.Addr) error {
	missing := make(map[netip.Addr]bool)
	for _, a := range addresses {
		missing[a] = true
	}
	stop := make(chan struct{})
	updates := make(chan netlink.RouteUpdate, 1024) // closed by the library
	defer func() {
		close(stop)
		for range updates { // else the library's goroutine stays
		}
	}()
	if err := netlink.RouteSubscribeWithOptions(updates, stop, netlink.RouteSubscribeOptions{
		Namespace: &n.space, ListExisting: true, ReceiveBufferSize: watchBuffer, ReceiveBufferForceSize: true,
	}); err != nil {
		close(updates)
		return fmt.Errorf("wait for addresses of %s: %w", n.Name, err)
	}
	for len(missing) > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for addresses of %s: %w", n.Name, context.Cause(ctx))
		case u, open := <-updates:
			if !open {
				return fmt.Errorf("wait for addresses of %s: %w", n.Name, errLost)
			}
			if u.Route.Type == unix.RTN_LOCAL && u.Type == unix.RTM_NEWROUTE && u.Dst != nil {
				delete(missing, addrOf(u.Dst.IP))
			}
		}
	}
	return nil
}
