package lqserver

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// serveUDP runs a server without TCP until the test ends. change may be nil.
func serveUDP(t *testing.T, store Store, change func(*Options)) *Server {
	t.Helper()
	conn, err := net.ListenPacket("udp", "[::1]:0")
	must(t, err)
	return serve(t, store, func(o *Options) {
		o.Listener.Close()
		o.Listener, o.Packets = nil, conn
		if change != nil {
			change(o)
		}
	})
}

// last is the transaction-id's last octet of the query that ends an exchange.
const last = 0xff

// exchange sends datagrams from a new socket, and then a query that is surely
// answered. It returns what came before that answer: a server on loopback
// keeps the order.
func exchange(t *testing.T, s *Server, datagrams ...[]byte) [][]byte {
	t.Helper()
	conn, err := net.Dial("udp", s.Addr().String())
	must(t, err)
	defer conn.Close()
	end := byClientID(clientC)
	end.id = last
	for _, b := range append(datagrams, end.message()) {
		_, err := conn.Write(b)
		must(t, err)
	}
	var answers [][]byte
	for b := make([]byte, 65535); ; {
		n, err := conn.Read(b)
		must(t, err)
		if n > 3 && b[3] == last {
			return answers
		}
		answers = append(answers, bytes.Clone(b[:n]))
	}
}

// lookup asks over UDP and returns the answer, nil if there is none.
func lookup(t *testing.T, s *Server, a ask) *dhcpv6.Message {
	t.Helper()
	answers := parsed(t, exchange(t, s, a.message()))
	if len(answers) == 0 {
		return nil
	}
	if len(answers) > 1 {
		t.Fatalf("%d answers to one query", len(answers))
	}
	return answers[0]
}

// linksOf returns the links in a message, as words.
func linksOf(m *dhcpv6.Message) string {
	b := value(m.Options.Options, dhcpv6.OptionLQClientLink)
	var words []string
	for ; len(b) >= 16; b = b[16:] {
		words = append(words, netip.AddrFrom16([16]byte(b[:16])).String())
	}
	return fmt.Sprint(words)
}

func TestLookupDropped(t *testing.T) {
	anonymous, addressed, misled := byClientID(clientC), byClientID(clientC), byClientID(clientC)
	anonymous.anonymous = true
	addressed.outer = dhcpv6.Options{generic(dhcpv6.OptionServerID, testDUID)}
	misled.outer = dhcpv6.Options{generic(dhcpv6.OptionServerID, testRequestor)}
	typed := func(typ byte) []byte {
		b := byClientID(clientC).message()
		b[0] = typ
		return b
	}
	relayForward := dhcpv6.RelayMessage{
		MessageType: dhcpv6.MessageTypeRelayForward, LinkAddr: net.IPv6loopback, PeerAddr: net.IPv6loopback,
		Options: dhcpv6.RelayOptions{Options: dhcpv6.Options{generic(dhcpv6.OptionRelayMsg, byClientID(clientC).message())}},
	}
	tests := []struct {
		name    string
		query   []byte
		answers bool
	}{
		{"S1: a query without CLIENTID is dropped", anonymous.message(), false},
		{"S1: a query without LQ_QUERY is dropped", ask{}.message(), false},
		{"S1: a query with another server's SERVERID is dropped", misled.message(), false},
		{"S1: a query with our SERVERID is answered", addressed.message(), true},
		{"S2: a LEASEQUERY-REPLY is dropped", typed(15), false},
		{"S13: a relayed LEASEQUERY is dropped", relayForward.ToBytes(), false},
		{"RFC 5460, section 4: a framed message is dropped", byClientID(clientC).frame(), false},
		{"an ACTIVELEASEQUERY is dropped", typed(22), false},
		{"three octets are dropped", []byte{14, 0, 0}, false},
		{"an empty datagram is dropped", nil, false},
		{"options that are cut off are dropped", byClientID(clientC).message()[:20], false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serveUDP(t, fixture(), nil)
			answers := exchange(t, s, tt.query)
			if (len(answers) == 1) != tt.answers || len(answers) > 1 {
				t.Errorf("%d answers", len(answers))
			}
			if st := s.Stats().UDP; st.Received != 2 || (st.Dropped == 0) != tt.answers || st.Answered != 2-st.Dropped {
				t.Errorf("stats: %+v", st)
			}
		})
	}
}

func TestLookupIdentity(t *testing.T) {
	t.Run("S4: type 15, same transaction-id, our SERVERID, the requestor's CLIENTID", func(t *testing.T) {
		for _, a := range []ask{byClientID(clientA), byClientID(clientC), byAddress("2001:db8:9000::1"), {typ: 9}} {
			m := lookup(t, serveUDP(t, fixture(), nil), a)
			if m.MessageType != 15 || m.TransactionID != (dhcpv6.TransactionID{0xab, 0xcd, 0}) ||
				!bytes.Equal(m.Options.ServerID().ToBytes(), testDUID) || !bytes.Equal(m.Options.ClientID().ToBytes(), testRequestor) {
				t.Errorf("reply: %s", m.Summary())
			}
		}
	})
	t.Run("S3: queries change no lease", func(t *testing.T) {
		store := fixture()
		before := store.All()
		s := serveUDP(t, store, func(o *Options) {
			o.Faults = Faults{Contradict: Newer, HostBits: true, Duplicate: true}
		})
		for _, a := range []ask{byAddress("2001:db8:8000::1"), byClientID(clientA), byClientID(clientB)} {
			lookup(t, s, a)
		}
		if d := cmp.Diff(before, store.All(), cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})); d != "" {
			t.Error(d)
		}
	})
	t.Run("S16: the sequence number in the REPLY, the same counter as over TCP", func(t *testing.T) {
		s := serveUDP(t, fixture(), func(o *Options) { o.SequenceOption = sequenceCode })
		first, second := lookup(t, s, byClientID(clientC)), lookup(t, s, byClientID(clientB))
		if got := numbers([]*dhcpv6.Message{first, second}); got != "1 3" { // 2 is that of the exchange's end
			t.Errorf("numbers %s", got)
		}
	})
}

func TestLookupStatus(t *testing.T) {
	kea := func(o *Options) { o.Manner = Kea() }
	denied := func(o *Options) { o.Denied = []QueryType{ByAddress} }
	tests := []struct {
		name   string
		ask    ask
		change func(*Options)
		want   iana.StatusCode
	}{
		{"S5: an unknown type", ask{typ: 9}, nil, iana.StatusUnknownQueryType},
		{"S5: by-address without IAADDR", ask{typ: ByAddress}, nil, iana.StatusMalformedQuery},
		{"S5: by-client-id without CLIENTID", ask{typ: ByClientID}, nil, iana.StatusMalformedQuery},
		{"S6: a denied type", byAddress("2001:db8:8000::1"), denied, iana.StatusNotAllowed},
		{"S6: a type that is not denied", byClientID(clientC), denied, iana.StatusSuccess},
		{"S6: a denied requestor", byClientID(clientC), func(o *Options) {
			o.Allow, o.RefuseWithStatus = pools, true
		}, iana.StatusNotAllowed},
		{"S6: an allowed requestor", byClientID(clientC), func(o *Options) {
			o.Allow = []netip.Prefix{netip.MustParsePrefix("::1/128")}
		}, iana.StatusSuccess},
		{"S7: a link that is not configured", byClientID(clientC).onLink("2001:db8:3::1"), nil, iana.StatusNotConfigured},
		{"S7: by-address in no pool", byAddress("2001:db8:3::1"), nil, iana.StatusNotConfigured},
		{"S7: by-address in a pool", byAddress("2001:db8:9000::1"), nil, iana.StatusSuccess},
		{"S19: by-relay-id", byRelayID(testRelayID), nil, iana.StatusNotAllowed},
		{"S19: by-link-address", byLink("2001:db8:1::1"), nil, iana.StatusNotAllowed},
		{"S19: by-remote-id", byRemoteID(remoteA), nil, iana.StatusNotAllowed},
		{"S19: by-relay-id, as Kea", byRelayID(testRelayID), kea, iana.StatusUnknownQueryType},
		{"S19: by-link-address, as Kea", byLink("2001:db8:1::1"), kea, iana.StatusUnknownQueryType},
		{"S19: by-remote-id, as Kea", byRemoteID(remoteA), kea, iana.StatusUnknownQueryType},
		{"S20: nothing found", byClientID(otherID), nil, iana.StatusSuccess},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := lookup(t, serveUDP(t, fixture(), tt.change), tt.ask)
			if status(m) != tt.want {
				t.Errorf("status %s, want %s", status(m), tt.want)
			}
			if tt.want != iana.StatusSuccess && len(leases(t, []*dhcpv6.Message{m})) > 0 {
				t.Errorf("an error with data: %s", m.Summary())
			}
		})
	}
}

func TestLookupFinds(t *testing.T) {
	const a1, a2 = "2001:db8:8000::/56+2001:db8:1::a+2001:db8:8000:100::/60", "2001:db8:8001::/48"
	const b2, both = "2001:db8:8000:200::/62", "[2001:db8:1:: 2001:db8:2::]"
	tests := []struct {
		name      string
		ask       ask
		data, kea string // what CLIENT_DATA holds
		links     string
	}{
		{"S8, S9: by an address, all of the client's leases on the link", byAddress("2001:db8:1::a"), a1, "2001:db8:1::a", "[]"},
		{"S8: inside a delegated prefix", byAddress("2001:db8:8000:203:ffff::1"), b2, b2, "[]"},
		{"S8, S20: just outside of one", byAddress("2001:db8:8000:204::"), "", "", "[]"},
		{"S9, S20: a lease that ran out is not reported", byAddress("2001:db8:8000:300::1"), "", "", "[]"},
		{"S7: by address, on its link", byAddress("2001:db8:8001:1::1").onLink("2001:db8:2::1"), a2, a2, "[]"},
		{"S7, S20: by address, on another link", byAddress("2001:db8:8001:1::1").onLink("2001:db8:1::1"), "", "", "[]"},
		{"S17: a client on one link", byClientID(clientB), b2, b2, "[]"},
		{"S17: a client on several links: the links only", byClientID(clientA), "", "", both},
		{"S17: a client on several links, one of them asked for", byClientID(clientA).onLink("2001:db8:1::1"), a1, a1, "[]"},
		{"S17: and the other", byClientID(clientA).onLink("2001:db8:2:5::"), a2, a2, "[]"},
		{"S20: nobody", byClientID(otherID), "", "", "[]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := lookup(t, serveUDP(t, fixture(), nil), tt.ask)
			if got := prefixesOf(t, []*dhcpv6.Message{m}); got != tt.data || linksOf(m) != tt.links {
				t.Errorf("data %q, links %s; want %q, %s", got, linksOf(m), tt.data, tt.links)
			}
			if n := len(m.Options.Get(dhcpv6.OptionClientData)); n > 1 {
				t.Errorf("S18: %d CLIENT_DATA", n)
			}
			if st := m.Options.Status(); st != nil {
				t.Errorf("S20: status %v", st)
			}
			m = lookup(t, serveUDP(t, fixture(), func(o *Options) { o.Manner = Kea() }), tt.ask)
			if got := prefixesOf(t, []*dhcpv6.Message{m}); got != tt.kea || linksOf(m) != tt.links {
				t.Errorf("as Kea: data %q, links %s; want %q, %s", got, linksOf(m), tt.kea, tt.links)
			}
			if st := m.Options.Status(); st == nil || st.StatusCode != iana.StatusSuccess {
				t.Errorf("as Kea: status %v", st)
			}
		})
	}
}

func TestLookupRelayData(t *testing.T) {
	relays := byClientID(clientC).wanting(dhcpv6.OptionLQRelayData)
	sensitive := func(o *Options) { o.Sensitive = []dhcpv6.OptionCode{dhcpv6.OptionLQRelayData} }
	tests := []struct {
		name            string
		ask             ask
		change          func(*Options)
		inside, outside bool // of CLIENT_DATA
	}{
		{"S10: in CLIENT_DATA when asked for", relays, nil, true, false},
		{"S11: none when not asked for", byClientID(clientC), nil, false, false},
		{"S10: never when sensitive", relays, sensitive, false, false},
		{"S11: at message level, as Kea", byClientID(clientC), func(o *Options) { o.Manner = Kea() }, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := lookup(t, serveUDP(t, fixture(), tt.change), tt.ask)
			got := leases(t, []*dhcpv6.Message{m})
			outside := m.Options.GetOne(dhcpv6.OptionLQRelayData) != nil
			if len(got) != 1 || (got[0].relay != nil) != tt.inside || outside != tt.outside {
				t.Errorf("leases %+v, relay data beside them: %v", got, outside)
			}
		})
	}
}

func TestLookupBesideTCP(t *testing.T) {
	t.Run("one server on both, with one store and one set of statistics", func(t *testing.T) {
		conn, err := net.ListenPacket("udp", "[::1]:0")
		must(t, err)
		s := serve(t, fixture(), func(o *Options) { o.Packets = conn })
		requestor, err := net.Dial("udp", conn.LocalAddr().String())
		must(t, err)
		defer requestor.Close()
		requestor.Write(byClientID(clientB).message())
		b := make([]byte, 65535)
		n, err := requestor.Read(b)
		must(t, err)
		over := prefixesOf(t, parsed(t, [][]byte{b[:n]}))
		if tcp := prefixesOf(t, messages(t, s, byClientID(clientB))); tcp != over || over == "" {
			t.Errorf("over TCP %q, over UDP %q", tcp, over)
		}
		if st := s.Stats(); st.Queries[ByClientID] != 1 || st.UDP.Queries[ByClientID] != 1 || st.Dropped != 0 || st.UDP.Bindings != 1 {
			t.Errorf("stats: %+v", st)
		}
	})
}

func TestWithheld(t *testing.T) {
	p := testPlan()
	p.ExpiredEvery, p.Withheld = 0, 10
	g, err := Generate(p)
	must(t, err)
	conn, err := net.ListenPacket("udp", "[::1]:0")
	must(t, err)
	s := serve(t, g, func(o *Options) { o.Packets = conn })
	clients := func(a ask) int { return len(leases(t, messages(t, s, a))) }
	t.Run("withheld clients are in no bulk answer", func(t *testing.T) {
		if n := clients(byRelayID(testRelayID)); n != 990 {
			t.Errorf("%d clients by relay-id, want 990", n)
		}
		n := 0
		for _, link := range []string{"2001:db8:1::1", "2001:db8:2::1", "2001:db8:3::1"} {
			n += clients(byLink(link))
		}
		if n != 990 {
			t.Errorf("%d clients by link-address, want 990", n)
		}
		if known, withheld := clients(byRemoteID(g.RemoteID(989))), clients(byRemoteID(g.RemoteID(990))); known != 1 || withheld != 0 {
			t.Errorf("%d and %d clients by remote-id, want 1 and 0", known, withheld)
		}
	})
	t.Run("they are found by address and by client-id, over TCP and UDP", func(t *testing.T) {
		lease := g.Leases(999)[0]
		want := lease.Prefix.String()
		over := serveUDP(t, g, nil)
		for _, a := range []ask{byAddress(lastAddr(lease.Prefix).String()), byClientID(lease.Client)} {
			tcp := prefixesOf(t, messages(t, s, a))
			udp := prefixesOf(t, []*dhcpv6.Message{lookup(t, over, a)})
			if !slices.Equal([]string{tcp, udp}, []string{want, want}) {
				t.Errorf("%s: %q over TCP, %q over UDP, want %q", a.typ, tcp, udp, want)
			}
		}
	})
}
