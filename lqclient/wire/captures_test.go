package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCaptures holds what real servers sent against testdata/captures.txt,
// which says what is in each file: "== name: what it shows", then describe's
// lines. The names of the subtests carry the rules.
func TestCaptures(t *testing.T) {
	book, err := os.ReadFile(filepath.Join("testdata", "captures.txt"))
	must(t, err)
	answers := captures(t)
	for name := range answers {
		if strings.HasSuffix(name, ".query.bin") {
			delete(answers, name)
		}
	}
	for _, page := range strings.Split(string(book), "== ")[1:] {
		head, want, _ := strings.Cut(page, "\n")
		name, shows, _ := strings.Cut(head, ": ")
		t.Run(name+" "+shows, func(t *testing.T) {
			if got := describe(answers[name], 0); got != strings.TrimSpace(want) {
				t.Errorf("got\n%s\nwant\n%s", got, strings.TrimSpace(want))
			}
		})
		delete(answers, name)
	}
	for name := range answers {
		t.Errorf("%s: captures.txt does not say what it is", name)
	}
}

// TestCapturedQueries builds again what other requestors sent, octet by octet.
func TestCapturedQueries(t *testing.T) {
	kea, isc := unhex(t, "00030001fefefe000001"), unhex(t, "000300010200000000b0")
	subscriber := unhex(t, "00030001020000000101")
	none := []uint16{}
	tests := []struct {
		name   string
		client []byte
		query  Query
	}{
		{"kea/v6-tcp-address-prefix", kea, Query{Type: ByAddress, Address: addr("2001:db8:8000:1:2::5"), Options: none}},
		{"kea/v6-tcp-relayid", kea, Query{Type: ByRelayID, RelayID: unhex(t, "000300010200000000ee"), Options: none}},
		{"kea/v6-udp-address-prefix", kea, Query{Type: ByAddress, Address: addr("2001:db8:8000:1:2::5"), Options: none}},
		{"dibbler/by-address-na", isc, Query{Type: ByAddress, Address: addr("2001:db8:100:1::1e0c"), Options: none}},
		{"dibbler/by-clientid", isc, Query{Type: ByClientID, ClientID: subscriber, Options: none}},
		{"isc-dhcpd/by-address-in-pd", isc, Query{Type: ByAddress, Address: addr("3fff:0:1ff::1"), Options: none}},
		{"isc-dhcpd/by-address-na", isc, Query{Type: ByAddress, Address: addr("2001:db8:100:1::161f"), Options: none}},
		{"isc-dhcpd/by-clientid", isc, Query{Type: ByClientID, ClientID: subscriber, Options: none}},
	}
	for _, tt := range tests {
		t.Run("R1 R2 R3 R4 "+tt.name, func(t *testing.T) {
			want := capture(t, tt.name+".query.bin")
			got, err := tt.query.Append(nil, TransactionID(want[1:]), tt.client, nil)
			must(t, err)
			if string(got) != string(want) {
				t.Errorf("got\n%x\nwant\n%x", got, want)
			}
		})
	}
}
