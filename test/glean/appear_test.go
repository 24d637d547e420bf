//go:build linux

package glean

import (
	"fmt"
	"net/netip"
	"testing"

	"leaseroute/test/lab"
)

// TestInterfacesComeAndGo has an access interface appear while leaseroute runs,
// go, and appear again with another number, as those of PPP sessions do.
func TestInterfacesComeAndGo(t *testing.T) {
	t.Parallel()
	v := newSolo(t)
	subscribers, err := v.Namespace(v.ctx, "later")
	must(t, err)
	address := netip.MustParseAddr("2001:db8:a::1")
	later := lab.Access{Name: "acc9", Address: address, Subnet: netip.PrefixFrom(address, 48).Masked(), Subscribers: subscribers}
	for n, name := range []string{"appears", "appears again"} {
		t.Run("L16 S-2 what passes an interface that "+name+" teaches", func(t *testing.T) {
			must(t, v.Router.IP(v.ctx,
				"link add acc9 type veth peer name wan0 netns "+subscribers.Name, "link set acc9 up",
				"address add fe80::1/64 dev acc9 nodad", fmt.Sprintf("address add %s/64 dev acc9 nodad", address)))
			must(t, subscribers.IP(v.ctx, "link set wan0 up"))
			p := block(10 + n)
			v.lease(t, v.line(t, later), newSubscriber(10+n), p)
			must(t, v.Router.IP(v.ctx, "link del acc9"))
			v.gone(t, p)
			v.explained(t, p, "refused (interface is missing)")
		})
	}
}
