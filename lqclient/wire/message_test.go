package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/iana"
)

// sequenceCode is the code of the sequence number option in tests.
const sequenceCode = 65004

const top = "0f a1b2c3" // a LEASEQUERY-REPLY without options

func TestParse(t *testing.T) {
	const (
		reply  = "LEASEQUERY-REPLY a1b2c3"
		client = "0001 000a 00030001fefefe000001"
		server = "0002 0009 0002000009bf010203"
		full   = reply + " to 00030001fefefe000001 from 0002000009bf010203"
	)
	tests := []struct{ name, in, want string }{
		{"C2 DONE is 16", "10 a1b2c3", "LEASEQUERY-DONE a1b2c3"},
		{"C2 DATA is 17", "11 a1b2c3", "LEASEQUERY-DATA a1b2c3"},
		{"R28 no client-id", top + server, reply + " from 0002000009bf010203"},
		{"R27 no server-id", top + client, reply + " to 00030001fefefe000001"},
		{"R28 the client-id of the first level is ours", top + client + server + "002d 0007 0001 0003 000401", full + "\nclient 000401"},
		{"C14 a status of two octets", top + "000d 0002 0009", reply + ` NotConfigured ""`},
		{"C14 a status with text", top + "000d 0004 0007 6f6b", reply + ` UnknownQueryType "ok"`},
		{"R34 an explicit Success", top + "000d 0002 0000", reply + ` Success ""`},
		{"a status that nobody knows", top + "000d 0002 ffff", reply + ` Unknown ""`},
		{"the first status counts", top + "000d 0002 000a 000d 0002 0000", reply + ` NotAllowed ""`},
		{"the first client-id and server-id count", top + client + server + "0001 0003 000401 0002 0003 000402", full},
		{"C18 R32 unknown options are ignored", top + "fffe 0003 010203 0000 0000" + client + "00ff 0000" + server, full},
		{"C18 R32 so are known ones that are not for us", top + "0017 0001 00" + client + "0008 0003 000000" + server, full},
		{"R50 a type that nobody knows", "63 a1b2c3", "unknown (99) a1b2c3"},
		{"base time", top + "0064 0004 2e9a5a4d", reply + " base 781867597"},
		{"R86 a sequence number of eight octets", top + "fdec 0008 fffffffffffffffe", reply + " sequence 18446744073709551614"},
		{"R86 a sequence number of four octets", top + "fdec 0004 fffffffe", reply + " sequence 4294967294 (32)"},
		{"useless extras are counted", top + "0064 0003 2e9a5a fdec 0005 0102030405", reply + " unusable 2"},
		{"the first of the useful extras counts", top + "0064 0000 0064 0004 00000007 0064 0004 00000008 fdec 0004 00000009 fdec 0004 0000000a", reply + " base 7 sequence 9 (32) unusable 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := describe(unhex(t, tt.in), sequenceCode); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	long := "0002 0083 " + strings.Repeat("01", 131)
	tests := []struct{ name, in, want string }{
		{"nothing", "", "message of 0 octets, want 4 or more"},
		{"C5 three octets", "0f a1b2", "message of 3 octets, want 4 or more"},
		{"C17 R33 half an option header", top + "0001 00", "LEASEQUERY-REPLY: option at octet 0 of 3 is cut off"},
		{"C17 R33 an option longer than the message", top + "00ff 0000 0001 0004 000400", "LEASEQUERY-REPLY: option at octet 4 of 11 is cut off"},
		{"C14 a status of one octet", top + "000d 0001 00", "LEASEQUERY-REPLY: status of 1 octets, want 2 or more"},
		{"C20 a client-id of two octets", top + "0001 0002 0004", "LEASEQUERY-REPLY: client-id: DUID of 2 octets, want 3 to 130"},
		{"C20 a server-id of 131 octets", top + long, "LEASEQUERY-REPLY: server-id: DUID of 131 octets, want 3 to 130"},
		{"a relay message", "0c 00 0102", "RELAY-FORW: not for a requestor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(unhex(t, tt.in), 0)
			if want := tt.want + ": malformed message"; text(err) != want || !errors.Is(err, ErrMalformed) {
				t.Errorf("got %q, want %q", text(err), want)
			}
		})
	}
}

func TestParseStatus(t *testing.T) {
	t.Run("R34 no status is Success", func(t *testing.T) {
		m, err := Parse(unhex(t, top), 0)
		must(t, err)
		if m.HasStatus || m.Status != iana.StatusSuccess {
			t.Errorf("status %v, %s", m.HasStatus, m.Status)
		}
	})
}

func TestParseSequenceOptionIsOff(t *testing.T) {
	t.Run("R83 code 0 takes no option for a sequence number", func(t *testing.T) {
		m, err := Parse(unhex(t, top+"0000 0004 00000001"), 0)
		must(t, err)
		if m.HasSequence || m.Unusable != 0 {
			t.Errorf("%+v", m.Stamp)
		}
	})
}

func TestClientLinks(t *testing.T) {
	const links = "20010db8000100000000000000000000 20010db8000200000000000000000000"
	one := addr("2001:db8:ff::")
	tests := []struct {
		name, in string
		want     []netip.Addr
		err      error
	}{
		{"C11 two links", "0030 0020" + links, []netip.Addr{one, addr("2001:db8:1::"), addr("2001:db8:2::")}, nil},
		{"C11 the first option counts", "0030 0000 0030 0020" + links, []netip.Addr{one}, nil},
		{"C11 not a multiple of 16", "0030 0021" + links + "00", []netip.Addr{one}, ErrMalformed},
		{"C11 one octet", "0030 0001 20", []netip.Addr{one}, ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Parse(unhex(t, top+tt.in), 0)
			must(t, err)
			got, err := m.ClientLinks([]netip.Addr{one})
			if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) || !m.HasClientLink {
				t.Errorf("ClientLinks = %v, %v; want %v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestNextClientData(t *testing.T) {
	t.Run("R43 all of them, in order, between other options", func(t *testing.T) {
		m, err := Parse(unhex(t, top+"002d 0001 01 00ff 0000 002d 0000 002d 0001 03 0002 0003 000401"), 0)
		must(t, err)
		var got []string
		for at := 0; ; {
			data, next, ok := m.NextClientData(at)
			if !ok {
				break
			}
			got, at = append(got, fmt.Sprintf("%x", data)), next
		}
		if want := []string{"01", "", "03"}; !slices.Equal(got, want) || m.ClientDatas != len(want) {
			t.Errorf("got %q and a count of %d, want %q", got, m.ClientDatas, want)
		}
	})
}

func TestTransactionID(t *testing.T) {
	t.Run("R1 ids are random, of 24 bits", func(t *testing.T) {
		seen := map[TransactionID]bool{}
		for range 100 {
			seen[NewTransactionID()] = true
		}
		if len(seen) < 99 { // one pair may be equal by chance
			t.Errorf("%d different ids of 100", len(seen))
		}
		if got := (TransactionID{1, 0xab, 0}).String(); got != "01ab00" {
			t.Errorf("String = %s", got)
		}
	})
}
