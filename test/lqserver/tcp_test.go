package lqserver

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

func TestConnections(t *testing.T) {
	t.Run("S21: ten connections by default, the next is closed at once", func(t *testing.T) {
		s := serve(t, fixture(), nil)
		for range 10 {
			conn := dial(t, s)
			conn.Write(byClientID(clientC).frame())
			if _, err := readRaw(conn); err != nil {
				t.Fatal(err)
			}
		}
		if frames, err := drain(dial(t, s)); err != nil || len(frames) > 0 {
			t.Errorf("the eleventh: %d messages, %v", len(frames), err)
		}
		if st := s.Stats(); st.Refused != 1 || st.Open != 10 {
			t.Errorf("stats: %+v", st)
		}
	})
	t.Run("S22: an idle connection ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, conn := piped(t, fixture(), nil)
			began := time.Now()
			if _, err := readRaw(conn); err != io.EOF || time.Since(began) != 300*time.Second {
				t.Errorf("ended with %v after %s", err, time.Since(began))
			}
		})
	})
	t.Run("S22: a half-read query ends it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, conn := piped(t, fixture(), func(o *Options) { o.DataTimeout = time.Minute })
			began := time.Now()
			conn.Write(byRelayID(testRelayID).frame()[:9])
			if _, err := readRaw(conn); err != io.EOF || time.Since(began) != time.Minute {
				t.Errorf("ended with %v after %s", err, time.Since(began))
			}
		})
	})
	t.Run("S22: a requestor that does not read is let go", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, conn := piped(t, fixture(), nil)
			conn.Write(byRelayID(testRelayID).frame())
			time.Sleep(301 * time.Second)
			synctest.Wait()
			if n := s.Stats().Open; n != 0 {
				t.Errorf("%d connections are open", n)
			}
		})
	})
	t.Run("S22: the time of answering is not idle", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, conn := piped(t, fixture(), func(o *Options) {
				o.Concurrent = 2
				o.Faults = Faults{Stall: new(1), StallFor: time.Hour}
			})
			conn.Write(byRelayID(testRelayID).frame())
			readRaw(conn)
			if _, err := readRaw(conn); err != nil {
				t.Errorf("after an hour: %v", err)
			}
		})
	})
	t.Run("S34: another message type closes", func(t *testing.T) {
		for _, typ := range []byte{1, 12, 16, 17, 22, 99} {
			conn := dial(t, serve(t, fixture(), nil))
			b := byRelayID(testRelayID).message()
			b[0] = typ
			conn.Write(frame(b))
			if got, err := readRaw(conn); err == nil {
				t.Errorf("type %d: answered % x", typ, got)
			}
		}
	})
	t.Run("RFC 5460, section 5.1: message-size below 4 closes", func(t *testing.T) {
		conn := dial(t, serve(t, fixture(), nil))
		conn.Write([]byte{0, 3, 14, 0, 0})
		if got, err := readRaw(conn); err == nil {
			t.Errorf("answered % x", got)
		}
	})
	t.Run("S14: queries wait for their turn", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, conn := piped(t, fixture(), func(o *Options) { o.QueryRate = 0.5 })
			began := time.Now()
			for range 3 {
				conn.Write(byAddress("2001:db8:9000::1").frame())
				if _, err := readRaw(conn); err != nil {
					t.Fatal(err)
				}
			}
			if d := time.Since(began); d != 4*time.Second {
				t.Errorf("three queries took %s, want 4s", d)
			}
		})
	})
}

func TestAnswerShape(t *testing.T) {
	tests := []struct {
		name   string
		ask    ask
		manner Manner
		want   string
	}{
		{"S23: REPLY, DATA for each further one, one DONE", byRelayID(testRelayID), Kea(), "RDDDDE"},
		{"S23: a single binding gets a DONE", byClientID(clientC), Manner{}, "RE"},
		{"S24: no binding: a REPLY, no DONE", byRelayID(clientA), Manner{}, "R"},
		{"S25: an error: a REPLY, no DONE", ask{typ: 9}, Manner{}, "R"},
		{"S35: one CLIENT_DATA a client and link", byRelayID(testRelayID), Manner{}, "RDDE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, fixture(), func(o *Options) { o.Manner = tt.manner })
			got := messages(t, s, tt.ask)
			if shape(got) != tt.want {
				t.Errorf("answer %s, want %s", shape(got), tt.want)
			}
			checkContent(t, got)
		})
	}
	t.Run("S24: neither STATUS nor CLIENT_DATA", func(t *testing.T) {
		got := messages(t, serve(t, fixture(), nil), byRelayID(clientA))
		if o := got[0].Options; o.Status() != nil || o.GetOne(dhcpv6.OptionClientData) != nil {
			t.Errorf("reply: %s", got[0].Summary())
		}
	})
	t.Run("S24: Kea says why", func(t *testing.T) {
		s := serve(t, fixture(), func(o *Options) { o.Manner = Kea() })
		got := messages(t, s, byAddress("2001:db8:8000:300::1"))
		if st := got[0].Options.Status(); st == nil || st.StatusMessage != "inactive lease exists" {
			t.Errorf("status: %v", st)
		}
	})
}

// checkContent holds messages against S27 and S28.
func checkContent(t *testing.T, messages []*dhcpv6.Message) {
	t.Helper()
	for _, m := range messages {
		o := m.Options
		if o.GetOne(dhcpv6.OptionLQClientLink) != nil {
			t.Error("S28: a CLIENT_LINK")
		}
		if m.MessageType == dhcpv6.MessageTypeLeaseQueryReply {
			continue
		}
		if o.ServerID() != nil || o.ClientID() != nil || o.Status() != nil {
			t.Errorf("S27: SERVERID, CLIENTID or STATUS in %s", m.MessageType)
		}
		if m.MessageType == dhcpv6.MessageTypeLeaseQueryDone && len(o.Options) > 0 {
			t.Errorf("S27: options in DONE: %s", o.Options)
		}
	}
}

func TestQueries(t *testing.T) {
	const a1, a2 = "2001:db8:8000::/56+2001:db8:1::a+2001:db8:8000:100::/60", "2001:db8:8001::/48"
	const b2 = "2001:db8:8000:200::/62"
	tests := []struct {
		name string
		ask  ask
		want string
	}{
		{"S29: by relay-id, all links", byRelayID(testRelayID), a1 + " " + b2 + " " + a2},
		{"S29: by relay-id, one link", byRelayID(testRelayID).onLink("2001:db8:2::1"), b2 + " " + a2},
		{"S29: by remote-id, all links", byRemoteID(remoteA), a1 + " " + a2},
		{"S29: by remote-id, one link", byRemoteID(remoteA).onLink("2001:db8:1:5::1"), a1},
		{"S29: the remote-id must match to the octet", byRemoteID(remoteA[:4]), ""},
		{"S30: by link-address", byLink("2001:db8:2:dead::1"), b2 + " " + a2},
		{"S31: by client-id, on several links", byClientID(clientA), a1 + " " + a2},
		{"S31: by client-id, on one link", byClientID(clientA).onLink("2001:db8:2::"), a2},
		{"S31: by address", byAddress("2001:db8:8001:1::1"), a2},
		{"S9: only what is active", byClientID(clientB), b2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := prefixesOf(t, messages(t, serve(t, fixture(), nil), tt.ask)); got != tt.want {
				t.Errorf("leases %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("S9: each CLIENT_DATA has CLIENTID, CLT_TIME and a lease", func(t *testing.T) {
		for _, l := range leases(t, messages(t, serve(t, fixture(), nil), byRelayID(testRelayID))) {
			if len(l.client) == 0 || l.clt < 0 || len(l.prefixes) == 0 {
				t.Errorf("lease: %+v", l)
			}
		}
	})
}

func TestRelays(t *testing.T) {
	l := NewList(segments, pools)
	b := delegated(clientA, "2001:db8:8000::/60", append(
		[]Relay{{Link: relayed(1, nil, nil)[0].Link, Peer: relayed(1, nil, nil)[0].Link, RelayID: testRelayID}},
		relayed(2, nil, remoteA)...))
	l.Set(b)
	s := serve(t, l, nil)
	t.Run("S37: found by the relay-id and the remote-id of any relay", func(t *testing.T) {
		for _, a := range []ask{byRelayID(testRelayID), byRemoteID(remoteA)} {
			if got := shape(messages(t, s, a)); got != "RE" {
				t.Errorf("%s: %s", a.typ, got)
			}
		}
	})
	t.Run("S37: the latest remote-id counts", func(t *testing.T) {
		moved := b
		moved.Relays = relayed(2, nil, remoteB)
		l.Set(moved)
		defer l.Set(b)
		if was, is := shape(messages(t, s, byRemoteID(remoteA))), shape(messages(t, s, byRemoteID(remoteB))); was != "R" || is != "RE" {
			t.Errorf("old: %s, new: %s", was, is)
		}
	})
	t.Run("RFC 5007, section 4.1.2.4: relays nested as received", func(t *testing.T) {
		got := leases(t, messages(t, s, byClientID(clientA).wanting(dhcpv6.OptionLQRelayData)))[0]
		outer := got.relay
		if outer.HopCount != 1 || !bytes.Equal(value(outer.Options.Options, dhcpv6.OptionRelayID), testRelayID) {
			t.Errorf("outer: %s", outer.Summary())
		}
		inner := outer.Options.RelayMessage().(*dhcpv6.RelayMessage)
		if inner.HopCount != 0 || inner.PeerAddr.String() != "fe80::a" || !bytes.Equal(inner.Options.InterfaceID(), []byte("acc0")) ||
			!bytes.Equal(value(inner.Options.Options, dhcpv6.OptionRemoteID), remoteA) || inner.Options.RelayMessage() != nil {
			t.Errorf("inner: %s", inner.Summary())
		}
		if got.peer != b.Relays[0].Peer {
			t.Errorf("peer-address %s, want that of the outermost relay", got.peer)
		}
	})
}

func TestConcurrentQueries(t *testing.T) {
	first, second := byRelayID(testRelayID), byLink("2001:db8:2::1")
	second.id = 1
	order := func(all []*dhcpv6.Message) string {
		var b []byte
		for _, m := range all {
			b = append(b, 'a'+m.TransactionID[2])
		}
		return string(b)
	}
	t.Run("S32: one after the other", func(t *testing.T) {
		if got := order(messages(t, serve(t, fixture(), nil), first, second)); got != "aaaabbb" {
			t.Errorf("order %s", got)
		}
	})
	t.Run("S32 knob: interleaved", func(t *testing.T) {
		// The pipe takes the second query before it gives the first message.
		synctest.Test(t, func(t *testing.T) {
			_, conn := piped(t, fixture(), func(o *Options) {
				o.Concurrent = 2
				o.Faults = Faults{Stall: new(0), StallFor: time.Second}
			})
			conn.Write(first.frame())
			conn.Write(second.frame())
			var frames [][]byte
			for range 7 {
				b, err := readRaw(conn)
				must(t, err)
				frames = append(frames, b)
			}
			if got := order(parsed(t, frames)); got != "aababab" {
				t.Errorf("order %s", got)
			}
		})
	})
	t.Run("S32: no query is read beyond that", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, conn := piped(t, fixture(), nil)
			conn.Write(first.frame())
			conn.SetWriteDeadline(time.Now().Add(time.Minute))
			if n, err := conn.Write(second.frame()); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("wrote %d octets, %v", n, err)
			}
		})
	})
	t.Run("S33: half-closed: what is outstanding is finished, then close", func(t *testing.T) {
		if got := shape(messages(t, serve(t, fixture(), nil), first)); got != "RDDE" {
			t.Errorf("answer %s", got)
		}
	})
}

func TestStop(t *testing.T) {
	stopped := func(t *testing.T, manner Manner) []*dhcpv6.Message {
		hold := NewHold(2)
		l, err := net.Listen("tcp", "[::1]:0")
		must(t, err)
		s, err := New(Options{Listener: l, DUID: testDUID, Manner: manner, Faults: Faults{Hold: hold}}, fixture())
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		conn := dial(t, s)
		conn.Write(byRelayID(testRelayID).frame())
		<-hold.Reached()
		cancel()
		frames, err := drain(conn)
		must(t, err)
		must(t, <-ended)
		return parsed(t, frames)
	}
	t.Run("S26: a server that stops says QueryTerminated and closes", func(t *testing.T) {
		got := stopped(t, Manner{})
		if last := got[len(got)-1]; shape(got) != "RDE" || status(last) != iana.StatusQueryTerminated {
			t.Errorf("answer %s, status %s", shape(got), status(last))
		}
	})
	t.Run("S26: Kea just closes", func(t *testing.T) {
		if got := stopped(t, Kea()); shape(got) != "RD" {
			t.Errorf("answer %s", shape(got))
		}
	})
}

func TestQueryTimes(t *testing.T) {
	at := func(code dhcpv6.OptionCode, when time.Time) dhcpv6.Option {
		return generic(code, binary.BigEndian.AppendUint32(nil, uint32(when.Sub(time2000)/time.Second)))
	}
	old, young := delegated(clientA, "2001:db8:8000::/60", nil), delegated(clientA, "2001:db8:8000:10::/60", nil)
	old.Last = time.Now().Add(-time.Hour)
	l := NewList(segments, pools)
	l.Set(old, young)
	middle := time.Now().Add(-30 * time.Minute)
	start, end := at(dhcpv6.OptionLQStartTime, middle), at(dhcpv6.OptionLQEndTime, middle)
	tests := []struct {
		name         string
		outer, inner dhcpv6.Options
		want         string
	}{
		{"S36: START_TIME", dhcpv6.Options{start}, nil, young.Prefix.String()},
		{"S36: END_TIME", dhcpv6.Options{end}, nil, old.Prefix.String()},
		{"S36: among the query-options", nil, dhcpv6.Options{start}, young.Prefix.String()},
		{"S36: both", dhcpv6.Options{start, end}, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := byClientID(clientA)
			a.outer, a.options = tt.outer, slices.Concat(a.options, tt.inner)
			if got := prefixesOf(t, messages(t, serve(t, l, nil), a)); got != tt.want {
				t.Errorf("leases %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("S36: BASE_TIME in each message with leases when asked for", func(t *testing.T) {
		before := time.Now().Add(-time.Second)
		got := messages(t, serve(t, l, func(o *Options) { o.Manner.PerLease = true }), byClientID(clientA).wanting(dhcpv6.OptionLQBaseTime))
		for _, m := range got[:2] {
			v := value(m.Options.Options, dhcpv6.OptionLQBaseTime)
			if len(v) != 4 {
				t.Fatalf("no base-time in %s", m.Summary())
			}
			if base := time2000.Add(time.Duration(binary.BigEndian.Uint32(v)) * time.Second); base.Before(before) || base.After(time.Now()) {
				t.Errorf("base-time %s", base)
			}
		}
	})
}
