//go:build linux

package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
)

// ErrUnreachable reports that a router answered a ping with an ICMPv6 error:
// it knows no way to the destination, or the next hop does not answer.
var ErrUnreachable = errors.New("destination unreachable")

// icmpv6 is the protocol number that package icmp wants to be told.
const icmpv6 = 58

// past is a deadline that breaks a read off.
var past = time.Unix(1, 0)

// Ping sends one ICMPv6 echo request and waits for its answer until ctx ends.
// It returns the time that the answer took.
func (n *Namespace) Ping(ctx context.Context, to netip.Addr) (time.Duration, error) {
	conn, err := n.ListenPacket("ip6:ipv6-icmp", "::")
	if err != nil {
		return 0, fmt.Errorf("ping %s: %w", to, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(past) })()
	token := make([]byte, 16)
	rand.Read(token) // never fails
	start := time.Now()
	if err := sendEcho(conn, to, 0, token); err != nil {
		return 0, fmt.Errorf("ping %s: %w", to, err)
	}
	for buf := make([]byte, 1500); ; {
		size, _, err := conn.ReadFrom(buf)
		if err != nil {
			return 0, fmt.Errorf("ping %s: no answer: %w", to, errors.Join(context.Cause(ctx), err))
		}
		if !bytes.Contains(buf[:size], token) {
			continue // someone else's
		}
		switch m, err := icmp.ParseMessage(icmpv6, buf[:size]); {
		case err != nil:
			continue
		case m.Type == ipv6.ICMPTypeEchoReply:
			return time.Since(start), nil
		case m.Type == ipv6.ICMPTypeDestinationUnreachable:
			return 0, fmt.Errorf("ping %s: %w (code %d)", to, ErrUnreachable, m.Code)
		}
	}
}

// sendEcho sends an echo request; the kernel fills in the checksum.
func sendEcho(conn net.PacketConn, to netip.Addr, seq uint16, data []byte) error {
	m := icmp.Message{Type: ipv6.ICMPTypeEchoRequest, Body: &icmp.Echo{Seq: int(seq), Data: data}}
	b, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	_, err = conn.WriteTo(b, &net.IPAddr{IP: to.AsSlice()})
	return err
}
