//go:build linux

package interop

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

const (
	// monitorBuffer holds the notifications of several recoveries.
	monitorBuffer = 64 << 20
	// markProtocol tells a monitor's marks from the daemon's routes.
	markProtocol = 99
)

// markRoute is a route that a monitor makes itself, to see that it has seen
// all that came before.
var markRoute = netip.MustParsePrefix("3fff:0:99::/48")

// A monitor follows the routes of the daemon's protocol in one namespace by
// the kernel's notifications. It loses none, or fails the test.
type monitor struct {
	space *lab.Namespace

	mu      sync.Mutex
	present map[netip.Prefix]bool
	seen    sightings
	marked  bool          // whether markRoute is there
	changed chan struct{} // closed at the next notification
	lost    bool
}

// sightings are the notifications since a monitor's last reset, in order.
type sightings struct {
	written []netip.Prefix // RTM_NEWROUTE
	removed []netip.Prefix // RTM_DELROUTE
}

// newMonitor watches until the test is over.
func newMonitor(t *testing.T, n *lab.Namespace) *monitor {
	t.Helper()
	m := &monitor{space: n, present: make(map[netip.Prefix]bool), changed: make(chan struct{})}
	stop := make(chan struct{})
	updates := make(chan netlink.RouteUpdate, 1024) // closed by the library
	must(t, n.Do(func() error {
		return netlink.RouteSubscribeWithOptions(updates, stop, netlink.RouteSubscribeOptions{
			ReceiveBufferSize: monitorBuffer, ReceiveBufferForceSize: true,
		})
	}))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for u := range updates {
			m.take(u)
		}
		m.end()
	}()
	t.Cleanup(func() {
		close(stop)
		<-ended
	})
	return m
}

// take notes one notification.
func (m *monitor) take(u netlink.RouteUpdate) {
	gone := u.Type == unix.RTM_DELROUTE
	prefix := destination(u.Route)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case u.Protocol == markProtocol && prefix == markRoute:
		m.marked = !gone
	case u.Protocol != daemon.Protocol:
		return
	case gone:
		delete(m.present, prefix)
		m.seen.removed = append(m.seen.removed, prefix)
	default:
		m.present[prefix] = true
		m.seen.written = append(m.seen.written, prefix)
	}
	m.announce()
}

// destination is a route's prefix; the default route's is zero.
func destination(r netlink.Route) netip.Prefix {
	if r.Dst == nil {
		return netip.Prefix{}
	}
	bits, _ := r.Dst.Mask.Size()
	a, _ := netip.AddrFromSlice(r.Dst.IP)
	return netip.PrefixFrom(a, bits)
}

// end notes that no more notifications come.
func (m *monitor) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = true
	m.announce()
}

// announce wakes whoever waits; the lock is held.
func (m *monitor) announce() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// until waits until ready, which is called with the lock held.
func (m *monitor) until(ctx context.Context, ready func() bool) error {
	for {
		m.mu.Lock()
		ok, lost, changed := ready(), m.lost, m.changed
		m.mu.Unlock()
		switch {
		case ok:
			return nil
		case lost:
			return fmt.Errorf("the monitor of %s lost notifications", m.space.Name)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for notifications in %s: %w", m.space.Name, context.Cause(ctx))
		}
	}
}

// sync returns when all that the kernel has notified before is noted.
func (m *monitor) sync(t *testing.T) {
	t.Helper()
	for _, there := range []bool{true, false} {
		verb := "add"
		if !there {
			verb = "del"
		}
		must(t, m.space.IP(t.Context(), fmt.Sprintf("route %s blackhole %s proto %d", verb, markRoute, markProtocol)))
		must(t, m.until(t.Context(), func() bool { return m.marked == there }))
	}
}

// reset begins the sightings anew.
func (m *monitor) reset(t *testing.T) {
	t.Helper()
	m.sync(t)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = sightings{}
}

// sightings returns what the kernel has notified since the last reset.
func (m *monitor) sightings(t *testing.T) sightings {
	t.Helper()
	m.sync(t)
	m.mu.Lock()
	defer m.mu.Unlock()
	return sightings{slices.Clone(m.seen.written), slices.Clone(m.seen.removed)}
}

// quiet fails the test if anything was written since the last reset.
func (m *monitor) quiet(t *testing.T) {
	t.Helper()
	if s := m.sightings(t); len(s.written)+len(s.removed) > 0 {
		t.Errorf("the kernel told of %d routes written and %d removed, want none: %v, %v",
			len(s.written), len(s.removed), few(s.written), few(s.removed))
	}
}

// few returns the first of a long list.
func few(p []netip.Prefix) []netip.Prefix { return p[:min(len(p), 5)] }

// atLeast waits until so many routes are there.
func (m *monitor) atLeast(t *testing.T, n int) {
	t.Helper()
	must(t, m.until(t.Context(), func() bool { return len(m.present) >= n }))
}

// now returns the routes that are there, as far as was noted.
func (m *monitor) now() map[netip.Prefix]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.present)
}

// withdrawn returns those of the routes that were removed at some time.
func (s sightings) withdrawn(of map[netip.Prefix]bool) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(s.removed), func(p netip.Prefix) bool { return !of[p] })
}
