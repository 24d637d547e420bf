package lqserver

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// clientDatas returns the raw CLIENT_DATA of an answer with faults, by
// relay-id on link 2 with relay data: the prefixes 2001:db8:8000:200::/62 of
// B and 2001:db8:8001::/48 of A.
func clientDatas(t *testing.T, f Faults) [][]byte {
	t.Helper()
	a := byRelayID(testRelayID).onLink("2001:db8:2::1").wanting(dhcpv6.OptionLQRelayData)
	var all [][]byte
	for _, m := range messages(t, faulty(t, f), a) {
		if v := value(m.Options.Options, dhcpv6.OptionClientData); v != nil {
			all = append(all, v)
		}
	}
	return all
}

func TestBindingFaults(t *testing.T) {
	describe := func(b []byte) string {
		var o dhcpv6.Options
		err := o.FromBytes(b)
		var text string
		for _, code := range []dhcpv6.OptionCode{dhcpv6.OptionClientID, dhcpv6.OptionIAPrefix, dhcpv6.OptionCLTTime, dhcpv6.OptionLQRelayData} {
			if o.GetOne(code) != nil {
				text += fmt.Sprintf("%d ", code)
			}
		}
		return text + fmt.Sprint(err == nil)
	}
	const whole = "1 26 46 47 true"
	tests := []struct {
		name   string
		faults Faults
		want   [2]string // which options the first and the second CLIENT_DATA hold
	}{
		{"none", Faults{}, [2]string{whole, whole}},
		{"lack: clt", Faults{Lack: PartCLT}, [2]string{"1 26 47 true", "1 26 47 true"}},
		{"lack: client-id", Faults{Lack: PartClientID}, [2]string{"26 46 47 true", "26 46 47 true"}},
		{"lack: lease", Faults{Lack: PartLease}, [2]string{"1 46 47 true", "1 46 47 true"}},
		{"lack: two parts", Faults{Lack: PartCLT | PartLease}, [2]string{"1 47 true", "1 47 true"}},
		{"every: only each second one", Faults{Lack: PartCLT, Every: 2}, [2]string{whole, "1 26 47 true"}},
		{"relay-data: missing", Faults{RelayData: Missing}, [2]string{"1 26 46 true", "1 26 46 true"}},
		{"truncated-option", Faults{TruncatedOption: true, Every: 2}, [2]string{whole, "1 26 46 47 false"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := clientDatas(t, tt.faults)
			if got := [2]string{describe(all[0]), describe(all[1])}; len(all) != 2 || got != tt.want {
				t.Errorf("CLIENT_DATA holds %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("relay-data: wrong: the nested message is longer than its option", func(t *testing.T) {
		var o dhcpv6.Options
		must(t, o.FromBytes(clientDatas(t, Faults{RelayData: Wrong})[0]))
		if _, err := dhcpv6.RelayMessageFromBytes(value(o, dhcpv6.OptionLQRelayData)[16:]); err == nil {
			t.Error("the relay message parses")
		}
	})
}

func TestLeaseFaults(t *testing.T) {
	const header = 14 + 4 // CLIENTID, then the header of IAPREFIX
	tests := []struct {
		name   string
		faults Faults
		ok     func(iaprefix []byte) bool
	}{
		{"prefix-length: 0", Faults{PrefixLength: new(uint8(0))}, func(b []byte) bool { return b[8] == 0 }},
		{"prefix-length: 200", Faults{PrefixLength: new(uint8(200))}, func(b []byte) bool { return b[8] == 200 }},
		{"host-bits", Faults{HostBits: true}, func(b []byte) bool { return b[8] == 62 && b[24] == 1 }},
		{"zero-valid", Faults{ZeroValid: true}, func(b []byte) bool { return bytes.Equal(b[:8], make([]byte, 8)) }},
		{"preferred-above-valid", Faults{PreferredAboveValid: true}, func(b []byte) bool {
			return binary.BigEndian.Uint32(b) == 4294967290 && binary.BigEndian.Uint32(b[4:]) <= 7200
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if b := clientDatas(t, tt.faults)[0][header:][:25]; !tt.ok(b) {
				t.Errorf("IAPREFIX % x", b)
			}
		})
	}
}

func TestContradictions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault Contradiction
		later bool
	}{{"contradict: newer", Newer, true}, {"contradict: older", Older, false}} {
		t.Run(tt.name, func(t *testing.T) {
			l := NewList(segments, pools)
			b := delegated(clientA, "2001:db8:8000::/60", relayed(1, testRelayID, nil))
			b.Last = time.Now().Add(-time.Minute)
			l.Set(b)
			s := serve(t, l, func(o *Options) { o.Faults.Contradict = tt.fault })
			got := leases(t, messages(t, s, byRelayID(testRelayID).wanting(dhcpv6.OptionLQRelayData)))
			if len(got) != 2 || got[0].prefixes[0] != got[1].prefixes[0] || bytes.Equal(got[0].client, got[1].client) ||
				got[0].relay.PeerAddr.Equal(got[1].relay.PeerAddr) || (got[1].clt < got[0].clt) != tt.later {
				t.Errorf("leases: %+v", got)
			}
		})
	}
}

func TestStale(t *testing.T) {
	g, err := Generate(Plan{Clients: 20, Block: pools[0], Links: testLinks(1), ExpiredEvery: 5})
	must(t, err)
	s := serve(t, g, func(o *Options) { o.Manner, o.Faults = Kea(), Faults{Stale: 10} })
	t.Run("stale: inactive leases from the second page on, with lifetimes as granted", func(t *testing.T) {
		stale := 0
		all := leases(t, messages(t, s, byRelayID(testRelayID)))
		for i, l := range all {
			if time.Duration(l.clt)*time.Second >= l.valid[0] {
				stale++
				if l.valid[0] != 24*time.Hour || i < 10 {
					t.Errorf("lease %d: %+v", i, l)
				}
			}
		}
		if stale != 1 || len(all) != 17 {
			t.Errorf("%d leases, %d of them stale, want 17 and 1 (client 15)", len(all), stale)
		}
	})
	t.Run("stale: by link-address never", func(t *testing.T) {
		if n := len(leases(t, messages(t, s, byLink("2001:db8:1::1")))); n != 16 {
			t.Errorf("%d leases, want 16", n)
		}
	})
	t.Run("stale: denied when asked by address", func(t *testing.T) {
		got := messages(t, s, byAddress(g.Leases(15)[0].Prefix.Addr().String()))
		if shape(got) != "R" || got[0].Options.Status().StatusMessage != "inactive lease exists" {
			t.Errorf("answer %s", got[0].Summary())
		}
	})
	t.Run("stale: released ones with valid 0", func(t *testing.T) {
		list := NewList(segments, pools)
		b := delegated(clientA, "2001:db8:8000::/60", relayed(1, testRelayID, nil))
		gone := delegated(clientB, "2001:db8:8000:10::/60", relayed(1, testRelayID, nil))
		gone.Released = true
		list.Add(b, gone)
		s := serve(t, list, func(o *Options) { o.Manner, o.Faults = Kea(), Faults{Stale: 1} })
		if got := leases(t, messages(t, s, byRelayID(testRelayID))); len(got) != 2 || got[1].valid[0] != 0 {
			t.Errorf("leases: %+v", got)
		}
	})
}
