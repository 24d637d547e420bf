package lqserver

import (
	"bytes"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// numbered is a query by client-id for a client on one link, with a
// transaction-id of its own.
func numbered(id byte) ask {
	a := byClientID(clientB)
	a.id = id
	return a
}

// answered says which of n transmissions are answered: a digit for how often.
func answered(p *packetPipe, ids ...byte) string {
	var s []byte
	for _, id := range ids {
		s = append(s, '0'+byte(len(p.send(numbered(id).message()))))
	}
	return string(s)
}

func TestLosses(t *testing.T) {
	tests := []struct {
		name   string
		faults Faults
		ids    []byte // of the transmissions
		want   string
	}{
		{"none", Faults{}, []byte{1, 2, 2}, "111"},
		{"udp-lose-every", Faults{UDP: DatagramFaults{LoseEvery: 3}}, []byte{1, 2, 3, 3, 4, 5, 6}, "1101101"},
		{"udp-lose-first: of each transaction", Faults{UDP: DatagramFaults{LoseFirst: 2}}, []byte{1, 2, 1, 1, 2, 2, 2}, "0001011"},
		{"udp-dead", Faults{UDP: DatagramFaults{Dead: true}}, []byte{1, 1, 2}, "000"},
		{"udp-strikes: only the first transmission", Faults{UDP: DatagramFaults{Dead: true, Strikes: 1}}, []byte{1, 2, 1, 2}, "0011"},
		{"udp-copies", Faults{UDP: DatagramFaults{Copies: 3}}, []byte{1, 2}, "33"},
		{"udp-elsewhere: without such a place they are lost", Faults{UDP: DatagramFaults{Elsewhere: true}}, []byte{1}, "0"},
		{"times: only the first transactions", Faults{Times: 2, UDP: DatagramFaults{Dead: true}}, []byte{1, 1, 2, 3, 2, 3}, "000101"},
		{"over: UDP", Faults{Over: OverUDP, UDP: DatagramFaults{Dead: true}}, []byte{1}, "0"},
		{"over: TCP", Faults{Over: OverTCP, UDP: DatagramFaults{Dead: true}}, []byte{1}, "1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, p := packets(t, fixture(), func(o *Options) { o.Faults = tt.faults })
				if got := answered(p, tt.ids...); got != tt.want {
					t.Errorf("answers %s, want %s", got, tt.want)
				}
				lost := uint64(bytes.Count([]byte(tt.want), []byte("0")))
				if st := s.Stats().UDP; st.Dropped != lost || st.Answered != uint64(len(tt.ids))-lost {
					t.Errorf("stats: %+v", st)
				}
			})
		})
	}
	t.Run("set while the server runs, and counted from there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, p := packets(t, fixture(), nil)
			got := answered(p, 1, 2)
			s.SetFaults(Faults{Times: 1, UDP: DatagramFaults{Dead: true}})
			got += answered(p, 3, 4, 3)
			s.SetFaults(Faults{})
			if got += answered(p, 5); got != "110101" {
				t.Errorf("answers %s", got)
			}
		})
	})
	t.Run("udp-flap: dead, alive, dead", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, p := packets(t, fixture(), func(o *Options) { o.Faults.UDP.Flap = 10 * time.Second })
			var got string
			for id := range byte(9) {
				got += answered(p, id)
				time.Sleep(4 * time.Second)
			}
			if got != "000110001" { // at 0, 4, 8; 12, 16; 20, 24, 28; 32 seconds
				t.Errorf("answers %s", got)
			}
		})
	})
	t.Run("S14: queries beyond the rate are dropped", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, p := packets(t, fixture(), func(o *Options) { o.QueryRate = 0.5 })
			got := answered(p, 1, 2)
			time.Sleep(2 * time.Second)
			if got += answered(p, 2, 3); got != "1010" {
				t.Errorf("answers %s", got)
			}
			if n := s.Stats().UDP.Dropped; n != 2 {
				t.Errorf("dropped: %d", n)
			}
		})
	})
	t.Run("S6: a requestor that is not allowed gets no answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, p := packets(t, fixture(), func(o *Options) { o.Allow = pools })
			if got := answered(p, 1); got != "0" {
				t.Errorf("answers %s", got)
			}
		})
	})
}

func TestDelays(t *testing.T) {
	t.Run("udp-delay: the answer is as it was when the query came", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := fixture()
			_, p := packets(t, l, func(o *Options) { o.Faults.UDP.Delay = 3 * time.Second })
			early := p.send(numbered(1).message(), numbered(2).message())
			for _, b := range l.All() {
				l.Remove(b.Prefix)
			}
			time.Sleep(3*time.Second - 1)
			early = append(early, p.answers()...)
			time.Sleep(time.Nanosecond)
			late := p.answers()
			if len(early) != 0 || len(late) != 2 {
				t.Fatalf("%d answers early, %d at their time", len(early), len(late))
			}
			if got := leases(t, parsed(t, [][]byte{late[0].octets})); len(got) != 1 || got[0].clt != 0 {
				t.Errorf("leases: %+v", got)
			}
		})
	})
	t.Run("hold: until the test lets go", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			hold := NewHold(0)
			_, p := packets(t, fixture(), func(o *Options) { o.Faults.Hold = hold })
			before := p.send(numbered(1).message())
			<-hold.Reached()
			hold.Release()
			if after := p.answers(); len(before) != 0 || len(after) != 1 {
				t.Errorf("%d answers before, %d after", len(before), len(after))
			}
		})
	})
	t.Run("a server that ends keeps nothing back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, p := packets(t, fixture(), func(o *Options) { o.Faults.UDP.Delay = time.Hour })
			if got := p.send(numbered(1).message()); len(got) != 0 {
				t.Errorf("%d answers", len(got))
			}
		})
	})
	t.Run("answers kept back are bounded", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, p := packets(t, fixture(), func(o *Options) { o.Faults.UDP.Delay = time.Minute })
			b := numbered(0).message()
			for range maxLate + 5 {
				p.in <- letter{octets: b, addr: requestor}
			}
			synctest.Wait()
			if n := s.Stats().UDP.Dropped; n != 5 {
				t.Errorf("dropped: %d, want 5", n)
			}
		})
	})
}

func TestReplyFaults(t *testing.T) {
	server, client, id := "server", "client", "id"
	describe := func(m *dhcpv6.Message) []string {
		var same []string
		if bytes.Equal(value(m.Options.Options, dhcpv6.OptionServerID), testDUID) {
			same = append(same, server)
		}
		if bytes.Equal(value(m.Options.Options, dhcpv6.OptionClientID), testRequestor) {
			same = append(same, client)
		}
		if m.TransactionID == (dhcpv6.TransactionID{0xab, 0xcd, 1}) {
			same = append(same, id)
		}
		return same
	}
	const b2 = "2001:db8:8000:200::/62"
	tests := []struct {
		name   string
		faults Faults
		same   []string // what is as it should be
		data   string
		status iana.StatusCode
	}{
		{"none", Faults{}, []string{server, client, id}, b2, 0},
		{"wrong-id", Faults{WrongID: Replies}, []string{server, client}, b2, 0},
		{"server-id: missing", Faults{ServerID: Missing}, []string{client, id}, b2, 0},
		{"server-id: wrong", Faults{ServerID: Wrong}, []string{client, id}, b2, 0},
		{"client-id: missing", Faults{ClientID: Missing}, []string{server, id}, b2, 0},
		{"client-id: wrong", Faults{ClientID: Wrong}, []string{server, id}, b2, 0},
		{"status", Faults{Status: map[QueryType]iana.StatusCode{ByClientID: iana.StatusUnspecFail}}, []string{server, client, id}, "", iana.StatusUnspecFail},
		{"duplicate: against S18", Faults{Duplicate: true}, []string{server, client, id}, b2 + " " + b2, 0},
		{"lack: lease", Faults{Lack: PartLease}, []string{server, client, id}, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, p := packets(t, fixture(), func(o *Options) { o.Faults = tt.faults })
				m := p.ask(t, numbered(1))
				if got := describe(m); !slices.Equal(got, tt.same) || prefixesOf(t, []*dhcpv6.Message{m}) != tt.data || status(m) != tt.status {
					t.Errorf("as it should be: %v; %s", got, m.Summary())
				}
			})
		})
	}
	t.Run("contradict: the same lease for two clients", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, p := packets(t, fixture(), func(o *Options) { o.Faults.Contradict = Older })
			got := leases(t, []*dhcpv6.Message{p.ask(t, numbered(1))})
			if len(got) != 2 || bytes.Equal(got[0].client, got[1].client) || got[0].prefixes[0] != got[1].prefixes[0] {
				t.Errorf("leases: %+v", got)
			}
		})
	})
	t.Run("status: where S19 would refuse", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, p := packets(t, fixture(), func(o *Options) {
				o.Faults.Status = map[QueryType]iana.StatusCode{ByRelayID: iana.StatusUnspecFail}
			})
			if m := p.ask(t, byRelayID(testRelayID)); status(m) != iana.StatusUnspecFail {
				t.Errorf("status %s", status(m))
			}
		})
	})
	t.Run("every: each second answer with data", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, p := packets(t, fixture(), func(o *Options) { o.Faults = Faults{Every: 2, ZeroValid: true} })
			var valid []time.Duration
			for range 4 {
				valid = append(valid, leases(t, []*dhcpv6.Message{p.ask(t, numbered(1))})[0].valid...)
			}
			if want := []time.Duration{2 * time.Hour, 0, 2 * time.Hour, 0}; !slices.Equal(valid, want) {
				t.Errorf("valid lifetimes %v", valid)
			}
		})
	})
}

func TestInstead(t *testing.T) {
	noise := bytes.Repeat([]byte{0xa5}, 64)
	of := func(i Instead) []byte {
		s := serveUDP(t, fixture(), func(o *Options) {
			o.Faults = Faults{Times: 1, UDP: DatagramFaults{Instead: i}}
		})
		return exchange(t, s, numbered(1).message())[0]
	}
	whole := of(InsteadNothing)
	t.Run("udp-instead: truncated", func(t *testing.T) {
		if got := of(InsteadTruncated); !bytes.Equal(got, whole[:len(whole)/2]) {
			t.Errorf("% x", got)
		}
	})
	t.Run("udp-instead: noise", func(t *testing.T) {
		if got := of(InsteadNoise); !bytes.Equal(got, slices.Concat(whole[:4], noise)) {
			t.Errorf("% x", got)
		}
	})
	t.Run("udp-instead: garbage", func(t *testing.T) {
		if got := of(InsteadGarbage); !bytes.Equal(got, noise) {
			t.Errorf("% x", got)
		}
	})
	t.Run("udp-instead: query", func(t *testing.T) {
		if got := of(InsteadQuery); !bytes.Equal(got, slices.Concat([]byte{14}, whole[1:])) {
			t.Errorf("% x", got)
		}
	})
	t.Run("udp-instead: huge, with the data in it", func(t *testing.T) {
		got := of(InsteadHuge)
		if len(got) != 65000 || len(leases(t, parsed(t, [][]byte{got}))) != 1 {
			t.Errorf("%d octets", len(got))
		}
	})
	t.Run("udp-elsewhere: another port", func(t *testing.T) {
		elsewhere, err := net.ListenPacket("udp", "[::1]:0")
		must(t, err)
		s := serveUDP(t, fixture(), func(o *Options) { o.Elsewhere, o.Faults.UDP.Elsewhere = elsewhere, true })
		conn, err := net.ListenPacket("udp", "[::1]:0")
		must(t, err)
		defer conn.Close()
		_, err = conn.WriteTo(numbered(1).message(), s.Addr())
		must(t, err)
		b := make([]byte, 65535)
		n, from, err := conn.ReadFrom(b)
		if err != nil || from.String() != elsewhere.LocalAddr().String() || !bytes.Equal(b[:4], whole[:4]) {
			t.Errorf("% x from %s, %v", b[:n], from, err)
		}
	})
}

func TestLinkFaults(t *testing.T) {
	const b2, a1 = "2001:db8:8000:200::/62", "2001:db8:8000::/56+2001:db8:1::a+2001:db8:8000:100::/60"
	one, several := byClientID(clientB), byClientID(clientA)
	tests := []struct {
		name        string
		faults      DatagramFaults
		ask         ask
		links, data string
	}{
		{"udp-links: instead of data", DatagramFaults{Links: 1}, one, "[2001:db8:2::]", ""},
		{"udp-links: true ones first", DatagramFaults{Links: 3}, several, "[2001:db8:1:: 2001:db8:2:: 2001:db8:ffff:2::]", ""},
		{"udp-links: fewer than true", DatagramFaults{Links: 1}, several, "[2001:db8:1::]", ""},
		{"udp-links: not for a query that names a link", DatagramFaults{Links: 1}, one.onLink("2001:db8:2::"), "[]", b2},
		{"udp-links: nor by address", DatagramFaults{Links: 1}, byAddress("2001:db8:8000:200::"), "[]", b2},
		{"udp-link-again: for a query that names a link (R40)", DatagramFaults{Links: 2, LinkAgain: true}, one.onLink("2001:db8:2::"), "[2001:db8:2:: 2001:db8:ffff:1::]", ""},
		{"udp-link-again: by address too", DatagramFaults{Links: 1, LinkAgain: true}, byAddress("2001:db8:8000:200::"), "[2001:db8:2::]", ""},
		{"udp-odd-links: unspecified (R40)", DatagramFaults{OddLinks: LinkUnspecified}, several, "[:: 2001:db8:1:: 2001:db8:2::]", ""},
		{"udp-odd-links: repeated (R40)", DatagramFaults{OddLinks: LinkRepeated}, several, "[2001:db8:1:: 2001:db8:2:: 2001:db8:1:: 2001:db8:2::]", ""},
		{"udp-odd-links: where there are no links", DatagramFaults{OddLinks: LinkRepeated}, one, "[]", b2},
		{"udp-link-data: against S17 (R41)", DatagramFaults{LinkData: true}, several, "[2001:db8:1:: 2001:db8:2::]", a1},
		{"udp-link-data: with links that are made up (R41)", DatagramFaults{Links: 2, LinkData: true}, one, "[2001:db8:2:: 2001:db8:ffff:1::]", b2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, p := packets(t, fixture(), func(o *Options) { o.Faults.UDP = tt.faults })
				m := p.ask(t, tt.ask)
				if data := prefixesOf(t, []*dhcpv6.Message{m}); linksOf(m) != tt.links || data != tt.data {
					t.Errorf("links %s, data %q; want %s, %q", linksOf(m), data, tt.links, tt.data)
				}
			})
		})
	}
	t.Run("udp-links: as many as fit, all of them different", func(t *testing.T) {
		s := serveUDP(t, fixture(), func(o *Options) { o.Faults.UDP = DatagramFaults{Links: 1 << 30, OddLinks: LinkRepeated} })
		conn, err := net.Dial("udp", s.Addr().String())
		must(t, err)
		defer conn.Close()
		conn.Write(one.message())
		b := make([]byte, 65535)
		n, err := conn.Read(b)
		must(t, err)
		links := value(parsed(t, [][]byte{b[:n]})[0].Options.Options, dhcpv6.OptionLQClientLink)
		seen := make(map[[16]byte]bool)
		for ; len(links) >= 16; links = links[16:] {
			seen[[16]byte(links)] = true
		}
		if len(seen) != maxLinks/2 {
			t.Errorf("%d links", len(seen))
		}
	})
}
