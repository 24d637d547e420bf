package lqserver

import (
	"bytes"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

func TestOrderFaults(t *testing.T) {
	all, none := byRelayID(testRelayID), byRelayID(clientA)
	tests := []struct {
		name   string
		faults Faults
		ask    ask
		want   string
	}{
		{"data-first: DATA before REPLY", Faults{DataFirst: true}, all, "DRDDDDE"},
		{"second-reply", Faults{SecondReply: new(2)}, all, "RDRDDE"},
		{"unknown-type", Faults{UnknownType: new(2)}, all, "RD?DDE"},
		{"no-done", Faults{NoDone: true}, all, "RDDDD"},
		{"double-done", Faults{DoubleDone: true}, all, "RDDDDEE"},
		{"done-after-empty", Faults{DoneAfterEmpty: true}, none, "RE"},
		{"duplicate", Faults{Duplicate: true}, all, "RDDDDDDDDDE"},
		{"duplicate with every", Faults{Duplicate: true, Every: 2}, all, "RDDDDDDE"},
		{"terminate: in mid-stream", Faults{Terminate: new(2)}, all, "RDE"},
		{"terminate: before anything was said", Faults{Terminate: new(0)}, all, "R"},
		{"combined: a second REPLY, then a cut", Faults{SecondReply: new(1), Cut: new(3)}, all, "RRD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := shape(messages(t, faulty(t, tt.faults), tt.ask)); got != tt.want {
				t.Errorf("answer %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("terminate-code: the status in DONE, then close", func(t *testing.T) {
		for code, f := range map[iana.StatusCode]Faults{
			iana.StatusQueryTerminated: {Terminate: new(2)},
			iana.StatusUnspecFail:      {Terminate: new(2), TerminateCode: iana.StatusUnspecFail},
		} {
			conn := dial(t, faulty(t, f))
			conn.Write(all.frame())
			frames, err := drain(conn)
			must(t, err)
			if got := parsed(t, frames); status(got[2]) != code {
				t.Errorf("status %s, want %s", status(got[2]), code)
			}
		}
	})
	t.Run("status: an error for some query types", func(t *testing.T) {
		s := faulty(t, Faults{Status: map[QueryType]iana.StatusCode{ByRelayID: iana.StatusNotAllowed, ByRemoteID: iana.StatusUnspecFail}})
		for _, tt := range []struct {
			ask  ask
			want iana.StatusCode
		}{
			{all, iana.StatusNotAllowed}, {byRemoteID(remoteA), iana.StatusUnspecFail}, {byLink("2001:db8:2::1"), iana.StatusSuccess},
		} {
			if got := messages(t, s, tt.ask); status(got[0]) != tt.want {
				t.Errorf("%s: status %s, want %s", tt.ask.typ, status(got[0]), tt.want)
			}
		}
	})
}

func TestMessageFaults(t *testing.T) {
	wrong := dhcpv6.TransactionID{0x54, 0xcd, 0}
	for kinds, want := range map[Messages][]bool{ // of REPLY, DATA and DONE
		Replies: {true, false, false}, Data: {false, true, false}, Dones: {false, false, true}, Data | Dones: {false, true, true},
	} {
		t.Run("wrong-id: the transaction-id", func(t *testing.T) {
			for i, m := range messages(t, faulty(t, Faults{WrongID: kinds}), byLink("2001:db8:2::1")) {
				if got := m.TransactionID == wrong; got != want[i] {
					t.Errorf("message %d: wrong %v, want %v", i, got, want[i])
				}
			}
		})
	}
	identity := func(t *testing.T, f Faults) (server, client []byte) {
		m := messages(t, faulty(t, f), byClientID(clientC))[0]
		return value(m.Options.Options, dhcpv6.OptionServerID), value(m.Options.Options, dhcpv6.OptionClientID)
	}
	tests := []struct {
		name           string
		faults         Faults
		server, client Damage
	}{
		{"server-id: wrong", Faults{ServerID: Wrong}, Wrong, Intact},
		{"server-id: missing", Faults{ServerID: Missing}, Missing, Intact},
		{"client-id: wrong", Faults{ClientID: Wrong}, Intact, Wrong},
		{"client-id: missing", Faults{ClientID: Missing}, Intact, Missing},
	}
	damage := func(got, want []byte) Damage {
		switch {
		case got == nil:
			return Missing
		case bytes.Equal(got, want):
			return Intact
		}
		return Wrong
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, client := identity(t, tt.faults)
			if s, c := damage(server, testDUID), damage(client, testRequestor); s != tt.server || c != tt.client {
				t.Errorf("SERVERID % x, CLIENTID % x", server, client)
			}
		})
	}
}
