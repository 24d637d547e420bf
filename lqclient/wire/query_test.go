package wire

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestQueryAppend(t *testing.T) {
	const (
		start = "0e a1b2c3 0001 000a 00030001fefefe000001"
		oro   = "0006 0004 002f 0064" // query-options: relay data, base time
		outer = "0006 0002 0064"
		none  = "00000000000000000000000000000000"
		link  = "20010db8000100000000000000000001"
	)
	duid := unhex(t, "00030001020000000001")
	tests := []struct {
		name   string
		query  Query
		server string
		want   string
	}{
		{"R3 C7 by address", Query{Type: ByAddress, Address: addr("2001:db8::5")}, "",
			start + "002c 0035 01" + none + "0005 0018 20010db8000000000000000000000005 00000000 00000000" + oro + outer},
		{"R8 by a link-local address, on its link", Query{Type: ByAddress, Link: addr("2001:db8:1::1"), Address: addr("fe80::5")}, "",
			start + "002c 0035 01" + link + "0005 0018 fe800000000000000000000000000005 00000000 00000000" + oro + outer},
		{"R4 C8 by client-id: two client-ids, at different levels", Query{Type: ByClientID, ClientID: duid}, "",
			start + "002c 0027 02" + none + "0001 000a 00030001020000000001" + oro + outer},
		{"by relay-id on one link", Query{Type: ByRelayID, RelayID: duid, Link: addr("2001:db8:1::1")}, "",
			start + "002c 0027 03" + link + "0035 000a 00030001020000000001" + oro + outer},
		{"by link-address", Query{Type: ByLinkAddress, Link: addr("2001:db8:1::1")}, "",
			start + "002c 0019 04" + link + oro + outer},
		{"by remote-id", Query{Type: ByRemoteID, RemoteID: unhex(t, "000009bf d1")}, "",
			start + "002c 0022 05" + none + "0025 0005 000009bfd1" + oro + outer},
		{"R5 to one server", Query{Type: ByRelayID, RelayID: duid}, "0002000009bf01",
			start + "0002 0007 0002000009bf01 002c 0027 03" + none + "0035 000a 00030001020000000001" + oro + outer},
		{"C20 a DUID that no RFC knows", Query{Type: ByRelayID, RelayID: []byte{0, 4, 1}}, "",
			start + "002c 0020 03" + none + "0035 0003 000401" + oro + outer},
		{"R6 on UDP: relay data alone", Query{Type: ByClientID, ClientID: duid, Options: []uint16{OptionRelayData}}, "",
			start + "002c 0025 02" + none + "0001 000a 00030001020000000001 0006 0002 002f"},
		{"R6 asking for nothing", Query{Type: ByClientID, ClientID: duid, Options: []uint16{}}, "",
			start + "002c 001f 02" + none + "0001 000a 00030001020000000001"},
	}
	for _, tt := range tests {
		t.Run("C1 R1 R2 R13 "+tt.name, func(t *testing.T) {
			var server []byte
			if tt.server != "" {
				server = unhex(t, tt.server)
			}
			got, err := tt.query.Append([]byte("x"), TransactionID{0xa1, 0xb2, 0xc3}, unhex(t, "00030001fefefe000001"), server)
			must(t, err)
			if want := append([]byte("x"), unhex(t, tt.want)...); !bytes.Equal(got, want) {
				t.Errorf("got\n%x\nwant\n%x", got, want)
			}
		})
	}
}

func TestQueryAppendRefuses(t *testing.T) {
	duid := []byte{0, 4, 1}
	byLink := Query{Type: ByLinkAddress, Link: addr("2001:db8::1")}
	tests := []struct {
		name           string
		query          Query
		client, server []byte
		want           string
	}{
		{"R2 no client-id", byLink, nil, nil, "build query by link-address: our client-id: DUID of 0 octets, want 3 to 130"},
		{"R5 C20 a server-id of 131 octets", byLink, duid, make([]byte, 131), "build query by link-address: server-id: DUID of 131 octets, want 3 to 130"},
		{"R3 a query that is none", Query{Type: ByRelayID}, duid, nil, "build query by relay-id: relay-id: missing"},
		{"a remote-id that no message holds", Query{Type: ByRemoteID, RemoteID: make([]byte, math.MaxUint16), Options: []uint16{}}, duid, nil,
			"build query by remote-id: 65571 octets do not fit a message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.query.Append([]byte("x"), TransactionID{}, tt.client, tt.server)
			if text(err) != tt.want || string(got) != "x" {
				t.Errorf("got %q, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestQueryValidate(t *testing.T) {
	duid, remote := []byte{0, 4, 1}, []byte{0, 0, 9, 0xbf, 1}
	tests := []struct {
		name  string
		query Query
		want  string
	}{
		{"by address", Query{Type: ByAddress, Address: addr("2001:db8::1")}, ""},
		{"by a unique local address", Query{Type: ByAddress, Address: addr("fd00::1")}, ""},
		{"R8 a link-address for an address that needs none", Query{Type: ByAddress, Address: addr("2001:db8::1"), Link: addr("2001:db8::2")}, ""},
		{"R8 :: is no link-address", Query{Type: ByClientID, ClientID: duid, Link: addr("::")}, ""},
		{"by link-address", Query{Type: ByLinkAddress, Link: addr("2001:db8::")}, ""},
		{"by remote-id", Query{Type: ByRemoteID, RemoteID: remote}, ""},
		{"C20 a DUID of 130 octets", Query{Type: ByRelayID, RelayID: make([]byte, 130)}, ""},

		{"C19 type 0", Query{}, "query type 0: not a query type of RFC 5007 or RFC 5460"},
		{"C19 type 6", Query{Type: 6}, "query type 6: not a query type of RFC 5007 or RFC 5460"},
		{"no address", Query{Type: ByAddress}, "address: missing"},
		{"no client-id", Query{Type: ByClientID}, "client-id: missing"},
		{"no relay-id", Query{Type: ByRelayID}, "relay-id: missing"},
		{"no link-address", Query{Type: ByLinkAddress}, "link-address: missing"},
		{"no remote-id", Query{Type: ByRemoteID}, "remote-id: missing"},
		{"one field too many", Query{Type: ByLinkAddress, Link: addr("2001:db8::1"), ClientID: duid}, "client-id: not part of a query by link-address"},
		{"all that is wrong", Query{Type: ByRelayID, Address: addr("2001:db8::1"), RemoteID: remote, Link: addr("fe80::1")},
			"link-address fe80::1: not a global IPv6 address\naddress: not part of a query by relay-id\nrelay-id: missing\nremote-id: not part of a query by relay-id"},
		{"C20 a client-id of two octets", Query{Type: ByClientID, ClientID: []byte{0, 4}}, "client-id: DUID of 2 octets, want 3 to 130"},
		{"C20 a relay-id of 131 octets", Query{Type: ByRelayID, RelayID: make([]byte, 131)}, "relay-id: DUID of 131 octets, want 3 to 130"},
		{"C16 a remote-id of four octets", Query{Type: ByRemoteID, RemoteID: remote[:4]}, "remote-id of 4 octets, want 5 or more"},
		{"R8 a link-local address without a link", Query{Type: ByAddress, Address: addr("fe80::1")}, "address fe80::1: link-local, so a link-address is needed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := text(tt.query.Validate()); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestQueryValidateAddresses(t *testing.T) {
	for _, s := range []string{"::", "::1", "ff02::1:2", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1%eth0", "fe80::1%eth0", "169.254.0.1"} {
		t.Run("R8 "+s+" is no client's address", func(t *testing.T) {
			q := Query{Type: ByAddress, Address: addr(s), Link: addr("2001:db8::1")}
			if want := fmt.Sprintf("address %s: not an IPv6 unicast address that a client may hold", s); text(q.Validate()) != want {
				t.Errorf("got %v, want %s", q.Validate(), want)
			}
		})
	}
	for _, s := range []string{"::1", "ff02::1:2", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1%eth0", "fe80::1"} {
		t.Run("R8 "+s+" is no link-address", func(t *testing.T) {
			q := Query{Type: ByLinkAddress, Link: addr(s)}
			if want := fmt.Sprintf("link-address %s: not a global IPv6 address", s); text(q.Validate()) != want {
				t.Errorf("got %v, want %s", q.Validate(), want)
			}
		})
	}
}

func TestQueryType(t *testing.T) {
	for i, name := range strings.Fields("address client-id relay-id link-address remote-id") {
		t.Run("C19 "+name, func(t *testing.T) {
			got, err := ParseQueryType(name)
			if got != QueryType(i+1) || err != nil || got.String() != name {
				t.Errorf("ParseQueryType = %d, %v; want %d", got, err, i+1)
			}
		})
	}
	t.Run("C19 no other name", func(t *testing.T) {
		const want = `query type "": want one of ["address" "client-id" "relay-id" "link-address" "remote-id"]`
		if got, err := ParseQueryType(""); got != 0 || text(err) != want {
			t.Errorf("got %d, %v", got, err)
		}
	})
}
