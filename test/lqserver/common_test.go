package lqserver

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

func TestDroppedQueries(t *testing.T) {
	right, wrong := generic(dhcpv6.OptionServerID, testDUID), generic(dhcpv6.OptionServerID, testRequestor)
	anonymous := byRelayID(testRelayID)
	anonymous.anonymous = true
	addressed := byRelayID(testRelayID)
	addressed.outer = dhcpv6.Options{right}
	misled := byRelayID(testRelayID)
	misled.outer = dhcpv6.Options{wrong}
	tests := []struct {
		name    string
		ask     ask
		answers bool
	}{
		{"S1: a query without CLIENTID is dropped", anonymous, false},
		{"S1: a query without LQ_QUERY is dropped", ask{}, false},
		{"S1: a query with another server's SERVERID is dropped", misled, false},
		{"S1: a query with our SERVERID is answered", addressed, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			next := byLink("2001:db8:2::1")
			next.id = 7
			s := serve(t, fixture(), nil)
			got := messages(t, s, tt.ask, next)
			if answered := got[0].TransactionID[2] == 0; answered != tt.answers {
				t.Errorf("answered: %v, want %v", answered, tt.answers)
			}
			if last := got[len(got)-1]; last.TransactionID[2] != 7 {
				t.Errorf("the next query got no answer")
			}
			if n := s.Stats().Dropped; (n == 0) != tt.answers {
				t.Errorf("dropped: %d", n)
			}
		})
	}
	t.Run("S1: Kea closes instead", func(t *testing.T) {
		s := serve(t, fixture(), func(o *Options) { o.Manner = Kea() })
		if got := messages(t, s, anonymous); len(got) > 0 {
			t.Errorf("%d messages", len(got))
		}
	})
	t.Run("S2: a LEASEQUERY-REPLY is dropped", func(t *testing.T) {
		conn := dial(t, serve(t, fixture(), nil))
		reply := byRelayID(testRelayID).message()
		reply[0] = byte(dhcpv6.MessageTypeLeaseQueryReply)
		conn.Write(slices.Concat(frame(reply), byLink("2001:db8:2::1").frame()))
		if b, err := readRaw(conn); err != nil || b[0] != 15 {
			t.Errorf("the next query: % x, %v", b, err)
		}
	})
}

func TestNoStateChange(t *testing.T) {
	t.Run("S3: queries change no lease", func(t *testing.T) {
		store := fixture()
		before := store.All()
		s := serve(t, store, func(o *Options) {
			o.Faults = Faults{Contradict: Newer, HostBits: true, Stale: 1, Duplicate: true}
		})
		for _, a := range []ask{byRelayID(testRelayID), byAddress("2001:db8:8000::1"), byClientID(clientA)} {
			answerOf(t, s, a)
		}
		if d := cmp.Diff(before, store.All(), cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})); d != "" {
			t.Error(d)
		}
	})
}

func TestReplyIdentity(t *testing.T) {
	t.Run("S4: type 15, same transaction-id, our SERVERID, the requestor's CLIENTID", func(t *testing.T) {
		got := messages(t, serve(t, fixture(), nil), byRelayID(testRelayID))
		m := got[0]
		if m.MessageType != 15 || m.TransactionID != (dhcpv6.TransactionID{0xab, 0xcd, 0}) ||
			!bytes.Equal(m.Options.ServerID().ToBytes(), testDUID) || !bytes.Equal(m.Options.ClientID().ToBytes(), testRequestor) {
			t.Errorf("reply: %s", m.Summary())
		}
	})
}

func TestErrorStatus(t *testing.T) {
	plain := func(typ QueryType) ask { return ask{typ: typ} }
	tests := []struct {
		name   string
		ask    ask
		change func(*Options)
		want   iana.StatusCode
	}{
		{"S5: an unknown type", plain(9), nil, iana.StatusUnknownQueryType},
		{"S5: by-address without IAADDR", plain(ByAddress), nil, iana.StatusMalformedQuery},
		{"S5: by-client-id without CLIENTID", plain(ByClientID), nil, iana.StatusMalformedQuery},
		{"S5: by-relay-id without RELAY_ID", plain(ByRelayID), nil, iana.StatusMalformedQuery},
		{"S5: by-remote-id without REMOTE_ID", plain(ByRemoteID), nil, iana.StatusMalformedQuery},
		{"S30: by-link-address with ::", plain(ByLinkAddress), nil, iana.StatusMalformedQuery},
		{"S6: a denied type", byRelayID(testRelayID), func(o *Options) { o.Denied = []QueryType{ByRelayID} }, iana.StatusNotAllowed},
		{"S6: a type that is not denied", byClientID(clientC), func(o *Options) { o.Denied = []QueryType{ByRelayID} }, iana.StatusSuccess},
		{"S6: a denied requestor", byRelayID(testRelayID), func(o *Options) {
			o.Allow, o.RefuseWithStatus = pools, true
		}, iana.StatusNotAllowed},
		{"S6: an allowed requestor", byRelayID(testRelayID), func(o *Options) {
			o.Allow, o.RefuseWithStatus = []netip.Prefix{netip.MustParsePrefix("::1/128")}, true
		}, iana.StatusSuccess},
		{"S7: a link that is not configured", byRelayID(testRelayID).onLink("2001:db8:3::1"), nil, iana.StatusNotConfigured},
		{"S7: by-link-address of no link", byLink("2001:db8:8000::1"), nil, iana.StatusNotConfigured},
		{"S7: by-address in no pool", byAddress("2001:db8:3::1"), nil, iana.StatusNotConfigured},
		{"S7: by-address in a pool", byAddress("2001:db8:9000::1"), nil, iana.StatusSuccess},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := messages(t, serve(t, fixture(), tt.change), tt.ask)
			if status(got[0]) != tt.want {
				t.Errorf("status %s, want %s", status(got[0]), tt.want)
			}
			if tt.want != iana.StatusSuccess && (shape(got) != "R" || len(leases(t, got)) > 0) {
				t.Errorf("S25: an error is more than a REPLY: %s", shape(got))
			}
		})
	}
	t.Run("S6: refused by closing", func(t *testing.T) {
		s := serve(t, fixture(), func(o *Options) { o.Allow = pools })
		if frames, _ := drain(dial(t, s)); len(frames) > 0 {
			t.Errorf("%d messages", len(frames))
		}
		if n := s.Stats().Refused; n != 1 {
			t.Errorf("refused: %d, want 1", n)
		}
	})
}

func TestQueryByAddress(t *testing.T) {
	tests := []struct{ name, address, perClient, perLease string }{
		{"S8: an address", "2001:db8:1::a", "2001:db8:8000::/56+2001:db8:1::a+2001:db8:8000:100::/60", "2001:db8:1::a"},
		{"S8: inside a delegated prefix", "2001:db8:8000:203:ffff::1", "2001:db8:8000:200::/62", "2001:db8:8000:200::/62"},
		{"S8: just outside of one", "2001:db8:8000:204::", "", ""},
		{"S9: a lease that ran out is not reported", "2001:db8:8000:300::1", "", ""},
		{"S9: nor one that was released", "2001:db8:8000:301::1", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := prefixesOf(t, messages(t, serve(t, fixture(), nil), byAddress(tt.address))); got != tt.perClient {
				t.Errorf("per client: %q, want %q", got, tt.perClient)
			}
			kea := serve(t, fixture(), func(o *Options) { o.Manner = Kea() })
			if got := prefixesOf(t, messages(t, kea, byAddress(tt.address))); got != tt.perLease {
				t.Errorf("per lease: %q, want %q", got, tt.perLease)
			}
		})
	}
}

func TestRequestedOptions(t *testing.T) {
	relays := byClientID(clientC).wanting(dhcpv6.OptionLQRelayData)
	sensitive := func(o *Options) { o.Sensitive = []dhcpv6.OptionCode{dhcpv6.OptionLQRelayData} }
	always := func(o *Options) { o.Manner.AlwaysRelayData = true }
	without := NewList(segments, pools)
	without.Set(delegated(clientC, "2001:db8:8000:380::/57", nil))
	tests := []struct {
		name   string
		ask    ask
		store  Store
		change func(*Options)
		want   bool
	}{
		{"S10: relay data when asked for", relays, fixture(), nil, true},
		{"S11: none when not asked for", byClientID(clientC), fixture(), nil, false},
		{"S11: none when not known", relays, without, nil, false},
		{"S11: always, as Kea", byClientID(clientC), fixture(), always, true},
		{"S10: never when sensitive", relays, fixture(), sensitive, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := leases(t, messages(t, serve(t, tt.store, tt.change), tt.ask))
			if len(got) != 1 || (got[0].relay != nil) != tt.want {
				t.Errorf("leases: %+v", got)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := delegated(clientA, "2001:db8:8000::/60", nil)
		b.Last = time.Now().Add(-100*time.Second - 500*time.Millisecond)
		forever := b
		forever.Prefix, forever.Client = netip.MustParsePrefix("2001:db8:8000:10::/60"), clientB
		forever.Preferred, forever.Valid = Infinite, Infinite
		l := NewList(segments, pools)
		l.Set(b, forever)
		tests := []struct {
			name     string
			manner   Manner
			client   []byte
			want     [3]uint32 // preferred, valid, CLT_TIME
			interval time.Duration
		}{
			{"S12: what is left, and what has passed", Manner{}, clientA, [3]uint32{3500, 7100, 100}, 0},
			{"S12: when the message is made", Manner{}, clientA, [3]uint32{3490, 7090, 110}, 10 * time.Second},
			{"S12: preferred lifetime over", Manner{}, clientA, [3]uint32{0, 3590, 3610}, time.Hour - 100*time.Second},
			{"S12: infinite stays infinite", Manner{}, clientB, [3]uint32{0xffffffff, 0xffffffff, 3610}, 0},
			{"Kea: the stored preferred lifetime", Kea(), clientA, [3]uint32{3600, 3590, 3610}, 0},
			{"Kea: infinity is lost", Kea(), clientB, [3]uint32{0xffffffff - 3610, 0xffffffff - 3610, 3610}, 0},
		}
		for _, tt := range tests {
			time.Sleep(tt.interval)
			e := engine{store: l, manner: tt.manner}
			q := &query{Link: netip.IPv6Unspecified(), Match: Match{Type: ByClientID, Client: tt.client}}
			group := e.answer(q, &Faults{}, time.Now()).group(time.Now())
			s := style{lostInfinity: tt.manner.LostInfinity, storedPreferred: tt.manner.StoredPreferred}
			d := appendClientData(nil, group, time.Now(), &s)
			const preferred = 4 + 14 + 4
			got := [3]uint32{binary.BigEndian.Uint32(d[preferred:]), binary.BigEndian.Uint32(d[preferred+4:]), binary.BigEndian.Uint32(d[len(d)-4:])}
			if got != tt.want {
				t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
			}
		}
	})
}
