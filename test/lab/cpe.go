//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// A CPE is a subscriber's router: a namespace with the interface wan0 on an
// access link, beside others there.
type CPE struct {
	*Namespace
	LinkLocal netip.Addr // the next hop to what it is delegated
	DUID      []byte     // DUID-LL of wan0's MAC address; every client in it uses that

	lab *Lab
}

// NewCPE connects a subscriber's router to an access link. The number is who
// it is: the same number on another link is the same client, moved, with the
// same DUID, link-local address and IAIDs.
func (l *Lab) NewCPE(ctx context.Context, a Access, number uint16) (*CPE, error) {
	n, err := l.Namespace(ctx, fmt.Sprintf("cpe%d-%s", number, a.Address))
	if err != nil {
		return nil, err
	}
	mac := net.HardwareAddr{2, 0, 0, 0xc0, byte(number >> 8), byte(number)}
	c := &CPE{
		Namespace: n,
		LinkLocal: netip.MustParseAddr(fmt.Sprintf("fe80::c0:%x", number)),
		DUID:      append([]byte{0, 3, 0, 1}, mac...),
		lab:       l,
	}
	return c, errors.Join(
		a.Subscribers.attach(ctx, "wan0", n, "wan0", mac.String()),
		n.IP(ctx, "link set wan0 addrgenmode none", "link set wan0 up",
			fmt.Sprintf("address add %s/64 dev wan0 nodad", c.LinkLocal),
			"route add default via "+gateway+" dev wan0"),
	)
}

// Answer makes every address in a prefix answer pings.
func (c *CPE) Answer(ctx context.Context, prefix netip.Prefix) error {
	return c.IP(ctx, fmt.Sprintf("route replace local %s dev lo", prefix))
}
