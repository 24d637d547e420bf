//go:build linux

package glean

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// TestRenewPastTheRelay has a client talk to its server by unicast (RFC 8415,
// section 21.12): what passes is a plain forwarded packet.
func TestRenewPastTheRelay(t *testing.T) {
	t.Parallel()
	s := newScriptSite(t, script{}, "")
	kernel, l, client := s.watch(t), s.line(t, s.Access[0]), newSubscriber(1)
	client.asks(s.ctx, t, l, block(1))
	at := place{client.from, s.Access[0].Name}
	s.stands(t, block(1), at)
	before := s.Bindings(t)[block(1).String()]
	t.Run("L16 G-8 a Renew that is forwarded, and its Reply, renew the lease and leave its route alone", func(t *testing.T) {
		kernel.reset(t)
		global := netip.MustParseAddr("2001:db8:1::c1")
		renew := client.message(dhcpv6.MessageTypeRenew, block(1), dhcpv6.WithServerID(client.server))
		must(t, l.sendTo(s.ctx, global, lab.ServerAddress.AsSlice(), renew.ToBytes()))
		s.until(t, "the binding is not as old as the Renew", func() []string {
			if now := s.Bindings(t)[block(1).String()]; !now.CLT.After(*before.CLT) || !now.ValidUntil.After(*before.ValidUntil) {
				return []string{fmt.Sprintf("%s: %+v", block(1), now)}
			}
			return nil
		})
		s.explained(t, block(1), "glean from dhcp1 (Reply to Renew, on acc0): the client spoke to its server later [R77]")
		s.stands(t, block(1), at)
		if seen := kernel.reset(t); len(seen) > 0 {
			t.Errorf("the kernel told %q", seen)
		}
	})
	t.Run("G-9 a forwarded Release may be anybody's, and is not believed on sight", func(t *testing.T) {
		disputed := s.Status(t).Counters["releases_disputed"]
		release := client.message(dhcpv6.MessageTypeRelease, block(1), dhcpv6.WithServerID(client.server))
		must(t, l.sendTo(s.ctx, netip.MustParseAddr("2001:db8:1::c1"), lab.ServerAddress.AsSlice(), release.ToBytes()))
		s.Wait(t, "the Release to be doubted", func(now control.Status) bool { return now.Counters["releases_disputed"] > disputed })
		if b := s.Bindings(t)[block(1).String()]; b.State != "suspect" {
			t.Errorf("the binding is %s: %s", b.State, b.Reason)
		}
		s.stands(t, block(1), at)
		if seen := kernel.reset(t); len(seen) > 0 {
			t.Errorf("the kernel told %q", seen)
		}
	})
}

// TestAssignmentNotification has a server tell the relay of a lease beside the
// one that its Reply is about.
func TestAssignmentNotification(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]string{
		"R70 it is learnt if the option's code is configured": fmt.Sprintf("assignment_notification_option: %d,", notifyOption),
		"R83 it is not if the code is not configured":         "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScriptSite(t, script{notices: map[netip.Prefix]netip.Prefix{block(1): block(2)}}, keys)
			l, client := s.line(t, s.Access[0]), newSubscriber(1)
			client.asks(s.ctx, t, l, block(1))
			at := place{client.from, s.Access[0].Name}
			s.stands(t, block(1), at)
			if keys == "" {
				if b, known := s.Bindings(t)[block(2).String()]; known {
					t.Errorf("it taught %+v", b)
				}
				return
			}
			s.stands(t, block(2), at)
			s.explained(t, block(2), "notify from dhcp1 (Reply to Rebind, on acc0): first word about this lease [R70]")
			if n := s.Status(t).Counters["glean_leases_notified"]; n != 1 {
				t.Errorf("%d leases were notified of, want 1", n)
			}
		})
	}
}
