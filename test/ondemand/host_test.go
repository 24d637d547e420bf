//go:build linux

package ondemand

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// A host is a subscriber's router with an address inside its prefix.
type host struct {
	*lab.CPE
	address netip.Addr
	lease   lqserver.Binding
}

// host connects the n-th site to an access link.
func (s *site) host(t *testing.T, n uint16, link int) *host {
	t.Helper()
	cpe, err := s.NewCPE(s.ctx, s.Access[link], n)
	must(t, err)
	h := &host{CPE: cpe, address: address(n), lease: s.lease(n, link)}
	// The address is what it sends from, the route what it answers for.
	must(t, h.IP(s.ctx, "address add "+h.address.String()+"/128 dev lo nodad"))
	must(t, h.Answer(s.ctx, h.lease.Prefix))
	return h
}

// pings has the host ping the server, once a second until it is answered. It
// returns how many pings that took.
func (h *host) pings(t *testing.T, ctx context.Context) int {
	t.Helper()
	for n := 1; ; n++ {
		one, cancel := context.WithTimeout(ctx, time.Second)
		_, err := h.Ping(one, lab.ServerAddress)
		cancel()
		if err == nil {
			return n
		}
		if ctx.Err() != nil {
			t.Fatalf("%d pings from %s were not answered: %v", n, h.address, err)
		}
	}
}

// A line is the far end of one of the router's links. Frames of any kind may
// be sent by it.
type line struct {
	*lab.Wire
	router net.HardwareAddr
}

// line opens the far end of an access link, or of the core link.
func (s *site) line(t *testing.T, name string) *line {
	t.Helper()
	far, dev := s.Server, "core0"
	for _, a := range s.Access {
		if a.Name == name {
			far, dev = a.Subscribers, "wan0"
		}
	}
	l := &line{}
	must(t, s.Router.Do(func() error {
		i, err := net.InterfaceByName(name)
		if err == nil {
			l.router = i.HardwareAddr
		}
		return err
	}))
	var err error
	l.Wire, err = far.Wire(dev)
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	return l
}

// port is where frames' datagrams go at their destination.
const port = 4001

// frame is a datagram's, from a sender's hardware address.
func (l *line) frame(from net.HardwareAddr, source, dest netip.Addr, payload string) []byte {
	return lab.UDPFrame(l.router, from, netip.AddrPortFrom(source, 4000), netip.AddrPortFrom(dest, port), []byte(payload))
}

// sends sends a datagram of the n-th site's to the server.
func (l *line) sends(t *testing.T, n uint16, payload string) {
	t.Helper()
	must(t, l.Send(l.frame(mac(n), address(n), lab.ServerAddress, payload)))
}

// A sink takes the datagrams of frames at the server.
type sink struct {
	net.PacketConn
	ctx context.Context
}

func (s *site) sink(t *testing.T) *sink {
	t.Helper()
	conn, err := s.Server.ListenPacket("udp", "[::]:4001")
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return &sink{conn, s.ctx}
}

// next is what the next datagram says.
func (k *sink) next(t *testing.T) string {
	t.Helper()
	defer context.AfterFunc(k.ctx, func() { k.SetReadDeadline(time.Unix(1, 0)) })()
	b := make([]byte, 100)
	n, _, err := k.ReadFrom(b)
	must(t, err)
	return string(b[:n])
}
