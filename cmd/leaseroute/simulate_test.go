package main

import (
	"errors"
	"io"
	"net/netip"
	"testing"

	"leaseroute/test/lqserver"
)

func TestSimulationRelayID(t *testing.T) {
	tests := []struct{ name, flag, want string }{
		{"without the flag the relay puts none in", "", "none"},
		{"hex", "000301", "\x00\x03\x01"},
		{"hex with colons", "00:03:01", "\x00\x03\x01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := simulation{relayID: tt.flag, clients: 1, block: "2001:db8:8000::/33", lengths: []int{56}, links: []string{"2001:db8:1::1/64"}}
			store, err := s.store()
			if err != nil {
				t.Fatal(err)
			}
			var b lqserver.Binding
			match := lqserver.Match{Type: lqserver.ByLinkAddress, Segment: netip.MustParsePrefix("2001:db8:1::/64")}
			if !store.Find(match).Next(&b) {
				t.Fatal("there is no binding")
			}
			got := "none"
			if id := b.Relays[0].RelayID; id != nil {
				got = string(id)
			}
			if got != tt.want {
				t.Errorf("the relay-id is %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("no hex is a mistake of the caller's", func(t *testing.T) {
		cmd := newRoot()
		cmd.SetArgs([]string{"simulate", "--relay-id", "router7"})
		cmd.SetErr(io.Discard)
		if err := cmd.Execute(); !errors.Is(err, errUsage) {
			t.Errorf("error %v, want one of usage", err)
		}
	})
}

func TestSimulationSockets(t *testing.T) {
	tests := []struct {
		name      string
		manner    string
		udp       bool
		faults    []string
		tcp       bool // there is a TCP socket
		packets   bool
		elsewhere bool
	}{
		{"TCP and UDP", "rfc", true, nil, true, true, false},
		{"TCP alone", "kea", false, nil, true, false, false},
		{"dhcpd has UDP alone", "dhcpd", true, nil, false, true, false},
		{"answers from another port", "rfc", true, []string{"udp-elsewhere"}, true, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := simulation{listen: "[::1]:0", duid: "0003000102", manner: tt.manner, udp: tt.udp, faults: tt.faults}
			o, err := s.options()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.open(&o); err != nil {
				t.Fatal(err)
			}
			defer closeSockets(&o)
			if got := [3]bool{o.Listener != nil, o.Packets != nil, o.Elsewhere != nil}; got != [3]bool{tt.tcp, tt.packets, tt.elsewhere} {
				t.Errorf("sockets: %v", got)
			}
			if tt.tcp && tt.packets && o.Listener.Addr().String() != o.Packets.LocalAddr().String() {
				t.Errorf("TCP at %s, UDP at %s", o.Listener.Addr(), o.Packets.LocalAddr())
			}
		})
	}
}
