package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"leaseroute/binding"
)

// relayForward is a Relay-forward of a relay with that number: its options,
// and behind them the message inside it if there is one.
func relayForward(t *testing.T, number int, options string, inside []byte) []byte {
	t.Helper()
	head := unhex(t, fmt.Sprintf("0c 00 20010db8%024x fe80%028x", number, number))
	b := append(head, unhex(t, options)...)
	if inside != nil {
		b = append(b, opt(optRelayMsg, inside)...)
	}
	return b
}

func TestParseRelayData(t *testing.T) {
	const (
		port  = "0012 0004 61636330" // interface-id acc0
		named = "relay link 2001:db8::1 peer fe80::1 interface-id 61636330"
		bare  = "relay link 2001:db8::2 peer fe80::2"
	)
	two := relayForward(t, 2, "", nil)
	late := append(relayForward(t, 1, "", two), unhex(t, port)...)
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"no relay", nil, ""},
		{"C12 one relay, without a client's message", relayForward(t, 1, port, nil), named},
		{"C12 two relays, the one nearest to the server first", relayForward(t, 1, port, two), named + "\n" + bare},
		{"options behind the message count too", late, named + "\n" + bare},
		{"the client's message was left in it", relayForward(t, 1, port, unhex(t, "03 a1b2c3 0001 0003 000401")), named},
		{"all three ids", relayForward(t, 1, port+"0035 0003 000401 0025 0005 000009bf e1", nil), named + " relay-id 000401 remote-id 000009bfe1"},
		{"C18 R32 unknown options are ignored", relayForward(t, 1, "00ff 0001 00"+port+"fffe 0000", nil), named},
		{"the first of each counts", relayForward(t, 1, port+"0012 0001 00 0035 0003 000401 0035 0003 000402 0025 0005 000009bf e1 0025 0005 000009bf e2", two), named + " relay-id 000401 remote-id 000009bfe1\n" + bare},
		{"the first message counts", relayForward(t, 1, port+"0009 0022"+fmt.Sprintf("%x", two), relayForward(t, 3, "", nil)), named + "\n" + bare},
		{"an empty interface-id is not none", relayForward(t, 1, "0012 0000", nil), "relay link 2001:db8::1 peer fe80::1 interface-id "},
		{"C12 an empty message is none", relayForward(t, 1, port, []byte{}), named},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			peer, relays, err := ParseRelayData(append(unhex(t, somePeer), tt.in...), nil)
			must(t, err)
			got := strings.Join(describeRelays(relays), "\n")
			if got != tt.want || peer != addr("fe80::1:0") {
				t.Errorf("from %s got\n%s\nwant\n%s", peer, got, tt.want)
			}
		})
	}
}

// TestParseRelayDataDamaged: an error takes nothing back that could be read.
func TestParseRelayDataDamaged(t *testing.T) {
	const (
		port  = "0012 0004 61636330"
		named = "relay link 2001:db8::1 peer fe80::1 interface-id 61636330"
	)
	two := relayForward(t, 2, "", nil)
	overlong := relayForward(t, 1, port, append(two, 0, 0, 0, 0))
	overlong = overlong[:len(overlong)-4]
	tests := []struct {
		name   string
		in     []byte
		want   string
		damage string
	}{
		{"a Relay-reply", unhex(t, "0d 00"), "", "relay data: RELAY-REPL, want a relay message"},
		{"33 octets", relayForward(t, 1, "", nil)[:33], "", "relay message of 33 octets, want 34 or more"},
		{"33 octets in the second", relayForward(t, 1, port, two[:33]), named, "relay message of 33 octets, want 34 or more"},
		{"C17 R33 an option is cut off", relayForward(t, 1, port+"0025 0004 00", nil), named, "option at octet 42 of 47 is cut off"},
		{"C17 R33 one octet too many", relayForward(t, 1, port+"00", nil), named, "option at octet 42 of 43 is cut off"},
		{"fact 7: a message longer than what is left", overlong, named + "\nrelay link 2001:db8::2 peer fe80::2", "option at octet 42 of 80 is cut off"},
		{"C16 a remote-id of four octets", relayForward(t, 1, port+"0025 0004 000009bf", two), named + "\nrelay link 2001:db8::2 peer fe80::2", "remote-id of 4 octets, want 5 or more"},
		{"C20 a relay-id of two octets", relayForward(t, 1, "0035 0002 0004"+port, nil), named, "relay-id: DUID of 2 octets, want 3 to 130"},
		{"the first damage is told", relayForward(t, 1, port+"0025 0004 000009bf", two[:33]), named, "remote-id of 4 octets, want 5 or more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, relays, err := ParseRelayData(append(unhex(t, somePeer), tt.in...), nil)
			got := strings.Join(describeRelays(relays), "\n")
			if want := tt.damage + ": malformed message"; got != tt.want || text(err) != want || !errors.Is(err, ErrMalformed) {
				t.Errorf("got\n%s\n%v\nwant\n%s\n%s", got, err, tt.want, want)
			}
		})
	}
}

func TestParseRelayDataDepth(t *testing.T) {
	var nest []byte
	for i := MaxRelays; i >= 1; i-- {
		nest = relayForward(t, i, "", nest)
	}
	t.Run("hop-counts 0 to 8 are read", func(t *testing.T) {
		_, relays, err := ParseRelayData(append(unhex(t, somePeer), nest...), nil)
		if len(relays) != MaxRelays || err != nil {
			t.Errorf("%d relays, %v; want %d", len(relays), err, MaxRelays)
		}
	})
	t.Run("one more is not", func(t *testing.T) {
		nest := relayForward(t, 0, "", nest)
		_, relays, err := ParseRelayData(append(unhex(t, somePeer), nest...), nil)
		if len(relays) != MaxRelays || !errors.Is(err, ErrMalformed) {
			t.Errorf("%d relays, %v; want %d and an error", len(relays), err, MaxRelays)
		}
	})
}

func TestParseRelayDataAppends(t *testing.T) {
	t.Run("what dst holds stays", func(t *testing.T) {
		first := binding.Relay{Link: addr("2001:db8::ff")}
		value := append(unhex(t, somePeer), relayForward(t, 1, "", nil)...)
		_, relays, err := ParseRelayData(value, []binding.Relay{first})
		if err != nil || len(relays) != 2 || relays[0].Link != first.Link || relays[1].Link != addr("2001:db8::1") {
			t.Errorf("%v, %v", relays, err)
		}
		_, relays, err = ParseRelayData(value[:15], relays[:1])
		if !errors.Is(err, ErrMalformed) || len(relays) != 1 {
			t.Errorf("%v, %v", relays, err)
		}
	})
}
