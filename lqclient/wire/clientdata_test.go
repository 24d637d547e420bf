package wire

import (
	"errors"
	"strings"
	"testing"
)

// bodies of options, one field a word.
const (
	someClient = "0001 0007 00030001 0200d1"
	somePrefix = "001a 0019 0000a8c0 00015180 38 20010db8800001000000000000000000"
	someCLT    = "002e 0004 0000003c"
	somePeer   = "fe800000000000000000000000010000"
)

func TestParseClientData(t *testing.T) {
	const whole = "client 000300010200d1 clt 60\nprefix 2001:db8:8000:100::/56 43200/86400"
	tests := []struct{ name, in, want string }{
		{"C9 R38 a bare prefix", someClient + somePrefix + someCLT, whole},
		{"the order does not matter", someCLT + somePrefix + someClient, whole},
		{"C18 R32 unknown options are ignored", "fffe 0002 0102" + someClient + "00ff 0000" + somePrefix + someCLT + "0017 0001 00", whole},
		{"R35 no CLT time", someClient + somePrefix, strings.Replace(whole, " clt 60", "", 1)},
		{"R36 no client-id", somePrefix + someCLT, strings.Replace(whole, "000300010200d1", "", 1)},
		{"R36 no lease", someClient + someCLT, "client 000300010200d1 clt 60"},
		{"nothing", "", "client "},
		{"CLT time 0, as Kea sends it", "002e 0004 00000000", "client  clt 0"},
		{"the first CLT time and client-id count", someClient + someCLT + "0001 0003 000401 002e 0004 00000001" + somePrefix, whole},
		{"leases in an IA are not looked for", someClient + someCLT + "0019 0029 00000001 00000000 00000000" + somePrefix, "client 000300010200d1 clt 60"},
		{"base time and sequence number of its own", "0064 0004 00000007 fdec 0004 00000009", "client  base 7 sequence 9 (32)"},
		{"useless extras are counted", "0064 0001 07 fdec 0000", "client  unusable 2"},
		{"C13 relay data inside", "002f 0010" + somePeer, "client \nheard from fe80::1:0"},
		{"the first relay data counts", "002f 0010" + somePeer + "002f 0000", "client \nheard from fe80::1:0"},
		{"errors in relay data do not touch the lease", someClient + someCLT + somePrefix + "002f 0001 00", whole + "\nheard from invalid IP relay data of 1 octets, want 16 or more: malformed message"},
		{"C17 R33 half an option header", someClient + "00", "client client data: option at octet 11 of 12 is cut off: malformed message"},
		{"C17 R33 an option longer than the rest", someClient + somePrefix + "002e 0005 0000003c", "client client data: option at octet 40 of 48 is cut off: malformed message"},
		{"CLT time of three octets", "002e 0003 00003c", "client client data: CLT time of 3 octets, want 4: malformed message"},
		{"C20 a DUID of two octets", "0001 0002 0003", "client client data: client-id: DUID of 2 octets, want 3 to 130: malformed message"},
		{"C20 a DUID of 131 octets", "0001 0083" + strings.Repeat("01", 131), "client client data: client-id: DUID of 131 octets, want 3 to 130: malformed message"},
		{"C20 a DUID that no RFC knows", "0001 0003 ffff00", "client ffff00"},
		{"C20 a DUID-UUID of the wrong length", "0001 0005 0004 010203", "client 0004010203"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Message
			if got := strings.Join(describeClient(&m, unhex(t, tt.in), sequenceCode), "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestParseClientDataRefuses(t *testing.T) {
	t.Run("R33 the error is malformed, and only that client data's", func(t *testing.T) {
		frame := unhex(t, top+"002d 0005 0001 0001 00 002d 0008"+someCLT)
		m, err := Parse(frame, 0)
		must(t, err)
		bad, next, _ := m.NextClientData(0)
		good, _, _ := m.NextClientData(next)
		_, errBad := ParseClientData(bad, 0)
		c, errGood := ParseClientData(good, 0)
		if !errors.Is(errBad, ErrMalformed) || errGood != nil || c.CLT != 60 {
			t.Errorf("%v; %v, CLT %d", errBad, errGood, c.CLT)
		}
	})
}

func TestInherit(t *testing.T) {
	const (
		outer = "002f 0010" + somePeer
		inner = "002f 0010 fe80000000000000000000000000ffff"
		stamp = "0064 0004 00000007 fdec 0004 00000009"
	)
	tests := []struct{ name, in, want string }{
		{"C13 relay data at message level", outer + "002d 0000", "client \nheard from fe80::1:0"},
		{"C13 the inner one wins", outer + "002d 0014" + inner, "client \nheard from fe80::ffff"},
		{"C13 of two clients nobody knows whose it is", outer + "002d 0000 002d 0000", "client \nclient "},
		{"R81 base time and sequence number of the message", stamp + "002d 0000", "client  base 7 sequence 9 (32)"},
		{"the inner base time and sequence number win", stamp + "002d 0014 0064 0004 00000001 fdec 0008 0000000000000002", "client  base 1 sequence 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got, _ := strings.Cut(describe(unhex(t, top+tt.in), sequenceCode), "\n")
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
