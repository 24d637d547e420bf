//go:build linux

package e2e

import (
	"fmt"
	"net/netip"
	"regexp"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// TestRoutesBelieTheStateFile: after a crash the kernel's routes are newer than
// the file. No server answers meanwhile.
func TestRoutesBelieTheStateFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1("connect_timeout: 1s")))
	same, moved, released := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 0), s.lease(3, "2001:db8:8000:300::/56", 1)
	_, gone := s.serve(t, 547, s.list(same, moved, released), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	s.Stop(t) // and so the file is written
	gone()
	elsewhere := fmt.Sprintf("route replace %s via fe80::77 dev acc1 proto 158 metric 1024 expires 3600", moved.Prefix)
	must(t, s.Router.IP(s.ctx, elsewhere, fmt.Sprintf("route del %s proto 158", released.Prefix)))
	s.Start(t)
	s.says(t, regexp.MustCompile(`msg="state file read".*bindings=1 stale=2`))
	s.status(t, func(now control.Status) error {
		if now.Servers[0].Error == "" {
			return fmt.Errorf("the server was not asked yet")
		}
		return nil
	})
	want := s.fibOf(same)
	want[moved.Prefix] = lab.Route{Prefix: moved.Prefix, Gateway: netip.MustParseAddr("fe80::77"), Dev: "acc1"}
	s.exact(t, want)
}
