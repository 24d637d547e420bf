//go:build linux

package ondemand

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/test/lab"
)

// leases shows the router how the n-th client gets its lease: a Rebind by an
// access link, the server's Relay-reply by the core link.
func (s *site) leases(t *testing.T, access, core *line, n uint16) {
	t.Helper()
	ask, answer := exchange(n)
	opened := s.Status(t).Counters["glean_opened"]
	all := netip.MustParseAddrPort("[ff02::1:2]:547")
	must(t, access.Send(lab.UDPFrame(net.HardwareAddr{0x33, 0x33, 0, 1, 0, 2}, mac(n),
		netip.AddrPortFrom(linkLocal(n), 546), all, ask.ToBytes())))
	s.counted(t, "glean_opened", opened+1)
	outer, err := dhcpv6.EncapsulateRelay(answer, dhcpv6.MessageTypeRelayReply,
		s.Access[0].Address.AsSlice(), linkLocal(n).AsSlice())
	must(t, err)
	must(t, core.Send(lab.UDPFrame(core.router, mac(99),
		netip.AddrPortFrom(lab.ServerAddress, 547), netip.AddrPortFrom(lab.RouterAddress, 547), outer.ToBytes())))
}

// exchange is a client's question and the server's answer.
func exchange(n uint16) (ask, answer *dhcpv6.Message) {
	client, _ := dhcpv6.DUIDFromBytes(clientDUID(n)) // they are well-formed
	server, _ := dhcpv6.DUIDFromBytes(serverDUID)
	p := prefix(n)
	lease := &dhcpv6.OptIAPrefix{
		PreferredLifetime: time.Hour, ValidLifetime: time.Hour,
		Prefix: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 128)},
	}
	ia := func() dhcpv6.Modifier {
		return dhcpv6.WithOption(&dhcpv6.OptIAPD{IaId: [4]byte{3: 1}, Options: dhcpv6.PDOptions{Options: dhcpv6.Options{lease}}})
	}
	ask = &dhcpv6.Message{MessageType: dhcpv6.MessageTypeRebind, TransactionID: dhcpv6.TransactionID{1, 2, byte(n)}}
	answer = &dhcpv6.Message{MessageType: dhcpv6.MessageTypeReply, TransactionID: ask.TransactionID}
	for _, m := range []*dhcpv6.Message{ask, answer} {
		dhcpv6.WithClientID(client)(m)
		ia()(m)
	}
	dhcpv6.WithServerID(server)(answer)
	return ask, answer
}
