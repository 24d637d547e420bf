//go:build linux

package glean

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// glance is how often a test looks that waits for what nobody notifies, such
// as a lease that runs out in a server's file.
const glance = 20 * time.Millisecond

// slack is how far the end of a lease may be from the server's: that counts
// whole seconds from when it decides, and a lifetime counts from when its Reply
// is seen (R74). A Reply may wait a second or two on its way: just after a start
// its sender has yet to find its neighbour.
const slack = 4 * time.Second

// wanted are the routes that the server's own leases of now ask for.
func (s *site) wanted(t *testing.T) (map[netip.Prefix]lab.Route, []lab.Lease) {
	t.Helper()
	leases, err := s.server.Held(time.Now())
	must(t, err)
	routes := make(map[netip.Prefix]lab.Route)
	for _, l := range leases {
		if l.Prefix.IsSingleIP() {
			continue
		}
		at := s.places[string(l.DUID)]
		routes[l.Prefix] = lab.Route{Prefix: l.Prefix, Gateway: at.gateway, Dev: at.dev}
	}
	return routes, leases
}

// exact waits until the kernel's routes are exactly those that the server's
// lease file asks for, and leaseroute's bindings are its leases.
func (s *site) exact(t *testing.T) {
	t.Helper()
	s.until(t, "the kernel's routes and the server's leases are not the same", func() []string {
		want, leases := s.wanted(t)
		bindings := s.Bindings(t)
		s.hearPromises()
		promise(leases, bindings, func(l lab.Lease) time.Time { return s.promised[l.Prefix] })
		return append(routeDiff(s.Routes(t), want), leaseDiff(bindings, leases)...)
	})
}

// hearPromises notes what clients were told that asked by themselves, as they
// do when their link comes back.
func (s *site) hearPromises() {
	for _, c := range s.clients {
		for p, until := range c.Promised() {
			if until.After(s.promised[p]) {
				s.promised[p] = until
			}
		}
	}
}

// exactRoutes is exact for a leaseroute that does not run.
func (s *site) exactRoutes(t *testing.T) {
	t.Helper()
	s.until(t, "the kernel's routes and the server's leases are not the same", func() []string {
		want, _ := s.wanted(t)
		return routeDiff(s.Routes(t), want)
	})
}

// until waits until there is no difference.
func (s *site) until(t *testing.T, what string, difference func() []string) {
	t.Helper()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		lines := difference()
		if len(lines) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			slices.Sort(lines)
			t.Fatalf("%s:\n%s\n%s", what, strings.Join(lines, "\n"), s.stories(t, lines))
		}
	}
}

// stories is what leaseroute, if it runs, tells of the first prefixes that
// lines begin with.
func (s *site) stories(t *testing.T, lines []string) string {
	t.Helper()
	var all strings.Builder
	for _, line := range lines[:min(len(lines), 3)] {
		if p, _, found := strings.Cut(line, ": "); found {
			out, _, _ := s.Run(t, "explain", p)
			all.WriteString(out)
		}
	}
	return all.String()
}

// routeDiff says how have differs from want.
func routeDiff(have, want map[netip.Prefix]lab.Route) (lines []string) {
	for p, r := range have {
		if want[p] != r {
			lines = append(lines, fmt.Sprintf("%s: there is via %s dev %s", p, r.Gateway, r.Dev))
		}
	}
	for p, w := range want {
		if have[p] != w {
			lines = append(lines, fmt.Sprintf("%s: want via %s dev %s", p, w.Gateway, w.Dev))
		}
	}
	return lines
}

// promise gives those leases the end that their client was told where
// leaseroute says so too. Kea tells a client that it knows up to a quarter of
// the lifetime more than it writes to its file, with Rapid Commit or after a
// restart.
func promise(held []lab.Lease, bindings map[string]control.Binding, told func(lab.Lease) time.Time) {
	for i, l := range held {
		b := bindings[l.Prefix.String()]
		if end := told(l); b.ValidUntil != nil && b.ValidUntil.Sub(end).Abs() <= slack {
			held[i].Until = end
		}
	}
}

// leaseDiff says how bindings differ from a server's leases, addresses and
// lifetimes included.
func leaseDiff(have map[string]control.Binding, want []lab.Lease) (lines []string) {
	unclaimed := len(have)
	for _, l := range want {
		b, known := have[l.Prefix.String()]
		switch {
		case !known:
			lines = append(lines, fmt.Sprintf("%s: no binding", l.Prefix))
			continue
		case b.ClientDUID != duidText(l.DUID):
			lines = append(lines, fmt.Sprintf("%s: bound to %s, want %s", l.Prefix, b.ClientDUID, duidText(l.DUID)))
		case b.State != "installed" && b.State != "kept":
			lines = append(lines, fmt.Sprintf("%s: is %s: %s", l.Prefix, b.State, b.Reason))
		case b.ValidUntil == nil != l.Until.IsZero(), b.ValidUntil != nil && b.ValidUntil.Sub(l.Until).Abs() > slack:
			lines = append(lines, fmt.Sprintf("%s: valid until %v, want %v", l.Prefix, b.ValidUntil, l.Until))
		}
		unclaimed--
	}
	if unclaimed > 0 {
		lines = append(lines, fmt.Sprintf("%d bindings that the server does not hold", unclaimed))
	}
	return lines
}

// duidText is how leaseroute shows a DUID.
func duidText(d []byte) string {
	parts := make([]string, len(d))
	for i, b := range d {
		parts[i] = fmt.Sprintf("%02x", b)
	}
	return strings.Join(parts, ":")
}
