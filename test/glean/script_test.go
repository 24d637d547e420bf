//go:build linux

package glean

import (
	"context"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

// sequenceOption is the code of the script's sequence numbers.
const sequenceOption = 65001

// notifyOption is the code of its assignment notifications.
const notifyOption = 65002

// A script is a DHCPv6 server that gives whoever asks the prefix asked for, for
// an hour, to clients past the relay as well. It can number its Relay-replies,
// and notify the relay, which no real server does.
type script struct {
	numbers map[netip.Prefix]uint64       // the sequence number of the Reply about a prefix
	notices map[netip.Prefix]netip.Prefix // what the relay is told of, too, with that
}

// newScriptSite makes a site whose server is a script, with more keys for it in
// the configuration, and starts leaseroute.
func newScriptSite(t *testing.T, c script, keys string) *site {
	t.Helper()
	s := newBareSite(t, 2)
	s.playRelayed(t, c)
	s.Daemon = daemon.New(t, s.Edge, serverKeys(daemon.Config(relayID), keys))
	s.Start(t)
	s.watching(t)
	return s
}

// serverKeys adds keys to the server in a configuration.
func serverKeys(config, keys string) string {
	return strings.Replace(config, "{ name: dhcp1,", "{ name: dhcp1, "+keys, 1)
}

// playRelayed plays the script behind a real relay.
func (s *site) playRelayed(t *testing.T, c script) {
	t.Helper()
	var err error
	s.tree, err = lab.FetchPeers(s.ctx, t.Output())
	must(t, err)
	s.relay, err = s.Relay(s.tree, false, s.Site())
	must(t, err)
	must(t, s.relay.Start(s.ctx))
	s.play(t, c)
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

// answer returns the Relay-reply to a Relay-forward, or the Reply to a client;
// nil for anything else.
func (c script) answer(b []byte) []byte {
	if asked, err := dhcpv6.MessageFromBytes(b); err == nil {
		if asked.Options.ClientID() == nil || asked.MessageType == dhcpv6.MessageTypeLeaseQuery {
			return nil
		}
		m, _ := c.reply(asked)
		return m.ToBytes()
	}
	forward, err := dhcpv6.RelayMessageFromBytes(b)
	if err != nil {
		return nil
	}
	asked, err := forward.GetInnerMessage()
	if err != nil {
		return nil
	}
	m, p := c.reply(asked)
	reply, err := dhcpv6.NewRelayReplFromRelayForw(forward, m)
	if err != nil {
		return nil
	}
	if number := c.numbers[p]; number != 0 {
		reply.AddOption(&dhcpv6.OptionGeneric{OptionCode: sequenceOption, OptionData: binary.BigEndian.AppendUint64(nil, number)})
	}
	if notice := c.notices[p]; notice.IsValid() {
		told := dhcpv6.Options{prefixOption(notice, time.Hour)}
		reply.AddOption(&dhcpv6.OptionGeneric{OptionCode: notifyOption, OptionData: told.ToBytes()})
	}
	return reply.ToBytes()
}

// reply returns what a client is told, and the last prefix that it asked for.
func (c script) reply(asked *dhcpv6.Message) (m *dhcpv6.Message, last netip.Prefix) {
	m = &dhcpv6.Message{MessageType: dhcpv6.MessageTypeReply, TransactionID: asked.TransactionID}
	m.AddOption(dhcpv6.OptClientID(asked.Options.ClientID()))
	m.AddOption(dhcpv6.OptServerID(opaque(lab.KeaServerDUID)))
	for _, ia := range asked.Options.IAPD() {
		for _, p := range ia.Options.Prefixes() {
			last = prefixOf(p)
			if asked.MessageType != dhcpv6.MessageTypeRelease {
				m.AddOption(leased(last, 3600))
			}
		}
	}
	return m, last
}

// asks has a client ask for a prefix at the script, and get it.
func (c *subscriber) asks(ctx context.Context, t *testing.T, l *line, p netip.Prefix) {
	t.Helper()
	must(t, c.ask(ctx, l, dhcpv6.MessageTypeRebind, p))
	if c.leases[l] != p {
		t.Fatalf("client %d got %v, want %s", c.number, c.leases, p)
	}
}
