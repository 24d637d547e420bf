//go:build linux

package glean

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"leaseroute/test/daemon"
)

// markProtocol tells a route that news makes itself from the daemon's.
const markProtocol = 99

// mark is that route.
const mark = "3fff:0:99::/48"

// A news follows what the router's kernel notifies about the daemon's routes.
type news struct {
	s *site

	mu     sync.Mutex
	seen   []string // "new P via G" and "gone P", in order
	marked chan struct{}
}

// watch follows the kernel until the test is over.
func (s *site) watch(t *testing.T) *news {
	t.Helper()
	n := &news{s: s, marked: make(chan struct{}, 1)}
	stop, ended := make(chan struct{}), make(chan struct{})
	updates := make(chan netlink.RouteUpdate, 1024) // closed by the library
	must(t, s.Router.Do(func() error {
		return netlink.RouteSubscribeWithOptions(updates, stop, netlink.RouteSubscribeOptions{})
	}))
	go func() {
		defer close(ended)
		for u := range updates {
			n.take(u)
		}
	}()
	t.Cleanup(func() { close(stop); <-ended })
	return n
}

func (n *news) take(u netlink.RouteUpdate) {
	switch {
	case u.Protocol == markProtocol && u.Type == unix.RTM_NEWROUTE:
		n.marked <- struct{}{}
	case u.Protocol != daemon.Protocol || u.Dst == nil:
	default:
		n.mu.Lock()
		defer n.mu.Unlock()
		n.seen = append(n.seen, headline(u))
	}
}

// headline says what a notification says.
func headline(u netlink.RouteUpdate) string {
	if u.Type == unix.RTM_DELROUTE {
		return "gone " + u.Dst.String()
	}
	return fmt.Sprintf("new %s via %s", u.Dst, u.Gw)
}

// reset forgets what was seen, and returns that.
func (n *news) reset(t *testing.T) []string {
	t.Helper()
	ctx := context.WithoutCancel(n.s.ctx)
	must(t, n.s.Router.IP(ctx, fmt.Sprintf("route add blackhole %s proto %d", mark, markProtocol)))
	select {
	case <-n.marked:
	case <-n.s.ctx.Done():
		t.Fatal("the kernel's notifications were lost")
	}
	must(t, n.s.Router.IP(ctx, "route del blackhole "+mark))
	n.mu.Lock()
	defer n.mu.Unlock()
	seen := n.seen
	n.seen = nil
	return seen
}

// newRoute is what the kernel tells when it has a route, new or replaced.
func newRoute(p netip.Prefix, at place) string { return fmt.Sprintf("new %s via %s", p, at.gateway) }
