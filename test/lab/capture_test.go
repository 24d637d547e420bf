//go:build linux

package lab_test

import (
	"context"
	"testing"
	"time"

	"golang.org/x/net/ipv6"

	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

// A ping that is forwarded is seen twice, and its answer twice, in this order
// and with the kernel's times.
func TestCaptureSeesWhatPasses(t *testing.T) {
	t.Parallel()
	e := labtest.NewEdge(t, 1)
	cpe, err := e.NewCPE(t.Context(), e.Access[0], 1)
	must(t, err)
	const host = "2001:db8:8000::1"
	must(t, cpe.IP(t.Context(), "address add "+host+"/128 dev lo nodad"))
	must(t, e.Router.IP(t.Context(), "route add 2001:db8:8000::/56 via "+cpe.LinkLocal.String()+" dev acc0"))
	c, err := e.Router.Capture()
	must(t, err)
	defer c.Close()
	began := time.Now()
	_, err = cpe.Ping(t.Context(), lab.ServerAddress)
	must(t, err)
	ended := time.Now()
	type sight struct {
		dev      string
		outgoing bool
		kind     ipv6.ICMPType
	}
	for _, want := range []sight{
		{"acc0", false, ipv6.ICMPTypeEchoRequest}, {"core0", true, ipv6.ICMPTypeEchoRequest},
		{"core0", false, ipv6.ICMPTypeEchoReply}, {"acc0", true, ipv6.ICMPTypeEchoReply},
	} {
		p, err := c.Next(t.Context())
		must(t, err)
		for p.Source.String() != host && p.Dest.String() != host { // neighbour discovery
			p, err = c.Next(t.Context())
			must(t, err)
		}
		if got := (sight{p.Dev, p.Outgoing, ipv6.ICMPType(p.Payload[0])}); got != want {
			t.Errorf("saw %v, want %v", got, want)
		}
		if p.At.Before(began) || p.At.After(ended) {
			t.Errorf("passed at %s, between %s and %s", p.At, began, ended)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Next(over); err == nil {
		t.Error("no error after the end of the context")
	}
}
