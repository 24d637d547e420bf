//go:build linux

package glean

import (
	"context"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/test/lab"
)

// sequenceOption is the code of the script's sequence numbers.
const sequenceOption = 65001

// A script is a DHCPv6 server that gives whoever asks the prefix asked for, for
// an hour. It can number its Relay-replies, which no real server does.
type script struct {
	numbers map[netip.Prefix]uint64 // the sequence number of the Reply about a prefix
}

// play runs the script at the server's place until the test is over.
func (s *site) play(t *testing.T, c script) {
	t.Helper()
	conn, err := s.Server.ListenPacket("udp6", netip.AddrPortFrom(lab.ServerAddress, dhcpv6.DefaultServerPort).String())
	must(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for buf := make([]byte, 2048); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := c.answer(buf[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, from) // the client asks again
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-ended })
}

// answer returns the Relay-reply to a Relay-forward; nil for anything else.
func (c script) answer(b []byte) []byte {
	forward, err := dhcpv6.RelayMessageFromBytes(b)
	if err != nil {
		return nil
	}
	asked, err := forward.GetInnerMessage()
	if err != nil {
		return nil
	}
	m := &dhcpv6.Message{MessageType: dhcpv6.MessageTypeReply, TransactionID: asked.TransactionID}
	m.AddOption(dhcpv6.OptClientID(asked.Options.ClientID()))
	m.AddOption(dhcpv6.OptServerID(opaque(lab.KeaServerDUID)))
	var number uint64
	for _, ia := range asked.Options.IAPD() {
		for _, p := range ia.Options.Prefixes() {
			prefix := prefixOf(p)
			number = c.numbers[prefix]
			if asked.MessageType != dhcpv6.MessageTypeRelease {
				m.AddOption(leased(prefix, 3600))
			}
		}
	}
	reply, err := dhcpv6.NewRelayReplFromRelayForw(forward, m)
	if err != nil {
		return nil
	}
	if number != 0 {
		reply.AddOption(&dhcpv6.OptionGeneric{OptionCode: sequenceOption, OptionData: binary.BigEndian.AppendUint64(nil, number)})
	}
	return reply.ToBytes()
}

// asks has a client ask for a prefix at the script, and get it.
func (c *subscriber) asks(ctx context.Context, t *testing.T, l *line, p netip.Prefix) {
	t.Helper()
	must(t, c.ask(ctx, l, dhcpv6.MessageTypeRebind, p))
	if c.leases[l] != p {
		t.Fatalf("client %d got %v, want %s", c.number, c.leases, p)
	}
}
