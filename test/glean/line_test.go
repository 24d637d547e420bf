//go:build linux

package glean

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"golang.org/x/net/ipv6"

	"leaseroute/test/lab"
)

// A line is the subscribers' end of an access link. Any number of clients
// speak through it, each from a link-local address of its own.
type line struct {
	access lab.Access
	conn   *ipv6.PacketConn
	device int // the kernel's number of the interface

	mu      sync.Mutex
	waiting map[dhcpv6.TransactionID]chan *dhcpv6.Message
	known   map[netip.Addr]bool
}

// allAgents are all relays and servers on a link (RFC 8415, section 7.1).
var allAgents = net.ParseIP("ff02::1:2")

// line opens an access link for clients that the test itself plays.
func (s *site) line(t *testing.T, a lab.Access) *line {
	t.Helper()
	l := &line{access: a, waiting: make(map[dhcpv6.TransactionID]chan *dhcpv6.Message), known: make(map[netip.Addr]bool)}
	must(t, a.Subscribers.Do(func() error {
		dev, err := net.InterfaceByName("wan0")
		if err == nil {
			l.device = dev.Index
		}
		return err
	}))
	conn, err := a.Subscribers.ListenPacket("udp6", "[::]:546")
	must(t, err)
	l.conn = ipv6.NewPacketConn(conn)
	ended := make(chan struct{})
	go func() { defer close(ended); l.read() }()
	t.Cleanup(func() { conn.Close(); <-ended })
	return l
}

// read hands answers to those who wait for them, until the line is closed.
func (l *line) read() {
	for buf := make([]byte, 2048); ; {
		n, _, _, err := l.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		m, err := dhcpv6.MessageFromBytes(append([]byte(nil), buf[:n]...))
		if err != nil {
			continue
		}
		l.mu.Lock()
		if waits := l.waiting[m.TransactionID]; waits != nil {
			select {
			case waits <- m:
			default: // a repeated one
			}
		}
		l.mu.Unlock()
	}
}

// linkLocal is the address that a client has on every link.
func linkLocal(client int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("fe80::c1:%x", client))
}

// address gives the line an address to send from.
func (l *line) address(ctx context.Context, a netip.Addr) error {
	if l.known[a] {
		return nil
	}
	l.known[a] = true
	bits := 128
	if a.IsLinkLocalUnicast() {
		bits = 64
	}
	return l.access.Subscribers.IP(ctx, fmt.Sprintf("address replace %s/%d dev wan0 nodad", a, bits))
}

// send sends a message to all relays.
func (l *line) send(ctx context.Context, from netip.Addr, m *dhcpv6.Message) error {
	return l.sendTo(ctx, from, allAgents, m.ToBytes())
}

// sendTo sends any octets to the server port of an address.
func (l *line) sendTo(ctx context.Context, from netip.Addr, to net.IP, b []byte) error {
	if err := l.address(ctx, from); err != nil {
		return err
	}
	_, err := l.conn.WriteTo(b, &ipv6.ControlMessage{Src: from.AsSlice(), IfIndex: l.device},
		&net.UDPAddr{IP: to, Port: dhcpv6.DefaultServerPort})
	return err
}

// repeatAfter is when a message is sent again.
const repeatAfter = 2 * time.Second

// errSilence reports that nobody answered.
var errSilence = errors.New("no answer")

// exchange sends a message, again if need be, until it is answered.
func (l *line) exchange(ctx context.Context, from netip.Addr, m *dhcpv6.Message) (*dhcpv6.Message, error) {
	answer := make(chan *dhcpv6.Message, 1)
	l.mu.Lock()
	l.waiting[m.TransactionID] = answer
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiting, m.TransactionID)
	}()
	for range 5 {
		if err := l.send(ctx, from, m); err != nil {
			return nil, err
		}
		timer := time.NewTimer(repeatAfter)
		select {
		case a := <-answer:
			timer.Stop()
			return a, nil
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("%s of %s: %w", m.MessageType, from, errSilence)
}
