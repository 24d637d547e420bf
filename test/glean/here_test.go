//go:build linux

package glean

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/ipv6"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

// playHere runs the script on the router itself, for the clients of a link,
// until the test is over. There is no relay.
func (s *site) playHere(t *testing.T, c script, a lab.Access) {
	t.Helper()
	listener, err := s.Router.ListenPacket("udp6", "[::]:547")
	must(t, err)
	conn := ipv6.NewPacketConn(listener)
	must(t, s.Router.Do(func() error {
		dev, err := net.InterfaceByName(a.Name)
		if err != nil {
			return err
		}
		return conn.JoinGroup(dev, &net.UDPAddr{IP: allAgents})
	}))
	must(t, conn.SetControlMessage(ipv6.FlagInterface, true))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for buf := make([]byte, 2048); ; {
			n, at, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			client := from.(*net.UDPAddr)
			client.Zone = "" // of this program's namespace
			if answer := c.answer(buf[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, &ipv6.ControlMessage{IfIndex: at.IfIndex}, client) // the client asks again
			}
		}
	}()
	t.Cleanup(func() { listener.Close(); <-ended })
}

// TestServerOnTheRouter has the router be the DHCP server as well: its Replies
// go straight to the clients, and leave.
func TestServerOnTheRouter(t *testing.T) {
	t.Parallel()
	for name, outgoing := range map[string]bool{
		"L16 its Replies teach in outgoing mode":        true,
		"L16 what leaves is not looked at without that": false,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newBareSite(t, 2)
			s.playHere(t, script{}, s.Access[0])
			config := daemon.Config(relayID, fmt.Sprintf("glean: { outgoing: %t }", outgoing))
			s.Daemon = daemon.New(t, s.Edge, strings.Replace(config, lab.ServerAddress.String(), lab.RouterAddress.String(), 1))
			s.Start(t)
			s.watching(t)
			l, client := s.line(t, s.Access[0]), newSubscriber(1)
			client.asks(s.ctx, t, l, block(1))
			if !outgoing {
				// The Release comes after the Reply, and is seen.
				must(t, client.release(s.ctx, l))
				s.Wait(t, "the Release", func(now control.Status) bool { return now.Counters["glean_leases_released"] == 1 })
				if n := s.Status(t).Counters["glean_taught"]; n != 0 {
					t.Errorf("%d Replies taught", n)
				}
				return
			}
			s.stands(t, block(1), place{client.from, s.Access[0].Name})
			s.explained(t, block(1), "glean from dhcp1 (Reply to Rebind, on acc0): first word about this lease [R70]")
			must(t, client.release(s.ctx, l))
			s.gone(t, block(1))
		})
	}
}
