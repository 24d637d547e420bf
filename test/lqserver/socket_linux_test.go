package lqserver

import (
	"fmt"
	"net"
	"testing"
	"time"

	"leaseroute/test/lab/labtest"
)

// TestAnswerAddress (S15): an answer comes from the address that was asked, and
// goes to the address of the query.
func TestAnswerAddress(t *testing.T) {
	n, err := labtest.New(t).Namespace(t.Context(), "dhcp")
	must(t, err)
	must(t, n.IP(t.Context(), "addr add 2001:db8::1/128 dev lo nodad", "addr add 2001:db8::2/128 dev lo nodad"))
	listen := func(t *testing.T, address string) net.PacketConn {
		t.Helper()
		conn, err := n.ListenPacket("udp", address)
		must(t, err)
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	tests := []struct {
		name                string
		listen, asked, from string
		change              func(*Options)
		port                int // where the answer should come; 0: that of the query
	}{
		{"S15: to the source port", "[2001:db8::1]:547", "2001:db8::1", "2001:db8::1", nil, 0},
		{"S15: the kernel would answer from the other address", "[::]:547", "2001:db8::1", "2001:db8::2", nil, 0},
		{"S15: over IPv4, which other tests may use", "[::]:547", "127.0.0.1", "127.0.0.1", nil, 0},
		{"S15 knob: to port 546", "[::]:547", "2001:db8::1", "2001:db8::2", func(o *Options) { o.Faults.UDP.ClientPort = true }, 546},
		{"S15: to port 546, as dhcpd", "[::]:547", "2001:db8::1", "2001:db8::2", func(o *Options) { o.Manner = Dhcpd() }, 546},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn := listen(t, tt.listen)
			serveUDP(t, fixture(), func(o *Options) {
				o.Packets.Close()
				o.Packets = conn
				if tt.change != nil {
					tt.change(o)
				}
			})
			source := listen(t, net.JoinHostPort(tt.from, "0"))
			receiver := source
			if tt.port != 0 {
				receiver = listen(t, net.JoinHostPort(tt.from, fmt.Sprint(tt.port)))
			}
			_, err := source.WriteTo(byClientID(clientC).message(), &net.UDPAddr{IP: net.ParseIP(tt.asked), Port: 547})
			must(t, err)
			b := make([]byte, 65535)
			receiver.SetReadDeadline(time.Now().Add(time.Minute)) // a failure should end
			octets, from, err := receiver.ReadFrom(b)
			must(t, err)
			if want := net.JoinHostPort(tt.asked, "547"); from.String() != want || octets < 4 || b[0] != 15 {
				t.Errorf("% x from %s, want an answer from %s", b[:octets], from, want)
			}
		})
	}
}
