package gleaner

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/binding"
)

const (
	solicit   = dhcpv6.MessageTypeSolicit
	advertise = dhcpv6.MessageTypeAdvertise
	request   = dhcpv6.MessageTypeRequest
	confirm   = dhcpv6.MessageTypeConfirm
	renew     = dhcpv6.MessageTypeRenew
	rebind    = dhcpv6.MessageTypeRebind
	reply     = dhcpv6.MessageTypeReply
	release   = dhcpv6.MessageTypeRelease
	decline   = dhcpv6.MessageTypeDecline
	forward   = dhcpv6.MessageTypeRelayForward
	relayRepl = dhcpv6.MessageTypeRelayReply
)

const held0 = "0.0 held 2001:db8:8000::/50 iaid 1 acc0 fe80::c1 30/40"

var (
	rapid   = opt(dhcpv6.OptionRapidCommit)
	lease1  = iaPD(1, prefix("2001:db8:8000::/50", 30, 40))
	ask1    = fromCPE(request, 1, lease1)
	answer1 = toCPE(reply, 1, lease1)
)

// A step shows one packet.
type step struct {
	on   binding.Interface
	data []byte
	fate string
}

func TestMatch(t *testing.T) {
	direct := func(kind dhcpv6.MessageType, options ...[]byte) []byte {
		return udp6("2001:db8:100:1::99", serverAddr, portClient, portServer, dhcp(kind, 1, clientID(duid1), serverID(dhcpd), cat(options...)))
	}
	directReply := udp6(serverAddr, "2001:db8:100:1::99", portServer, portClient,
		dhcp(reply, 1, clientID(duid1), serverID(dhcpd), iaNA(1, address("2001:db8:100:1::99", 30, 40)), lease1))
	viaAgg := func(kind dhcpv6.MessageType, options ...[]byte) []byte {
		return udp6(agg, link2, portServer, portServer, relayed(forward, 0, "2001:db8:100:4::1", "fe80::c3",
			relayMsg(dhcp(kind, 1, clientID(duid1), cat(options...)))))
	}
	viaNode := func(kind dhcpv6.MessageType, options ...[]byte) []byte { // RFC 6221: the client's own source
		return udp6(cpe1, allRelays, portServer, portServer, relayed(forward, 0, "::", cpe1,
			opt(dhcpv6.OptionInterfaceID, []byte("line 7")), relayMsg(dhcp(kind, 1, clientID(duid1), serverID(dhcpd), cat(options...)))))
	}
	toNode := udp6(serverAddr, relayAddr, portServer, portServer, relayed(relayRepl, 1, link0, cpe1,
		relayMsg(relayed(relayRepl, 0, "::", cpe1, relayMsg(dhcp(reply, 1, clientID(duid1), serverID(dhcpd), lease1))))))
	nowhere := udp6(serverAddr, relayAddr, portServer, portServer, relayed(relayRepl, 0, "::", cpe1,
		relayMsg(dhcp(reply, 1, clientID(duid1), serverID(dhcpd), lease1))))

	tests := []struct {
		name  string
		steps []step
		seen  []string
		asked []string
	}{
		{name: "L15 Reply to Request", steps: []step{{acc0, ask1, "opened"}, {core, answer1, "taught"}}, seen: []string{held0}},
		{name: "L15 Reply to Renew", steps: []step{{acc0, fromCPE(renew, 1), "opened"}, {core, answer1, "taught"}}, seen: []string{held0}},
		{name: "L15 Reply to Rebind", steps: []step{{acc0, fromCPE(rebind, 1), "opened"}, {core, answer1, "taught"}}, seen: []string{held0}},
		{name: "L15 Reply to a Solicit with Rapid Commit",
			steps: []step{{acc0, fromCPE(solicit, 1, rapid), "opened"}, {core, toCPE(reply, 1, rapid, lease1), "taught"}}, seen: []string{held0}},
		{name: "L15 Reply without Rapid Commit to a Solicit with it",
			steps: []step{{acc0, fromCPE(solicit, 1, rapid), "opened"}, {core, answer1, "no_rapid_commit"}}},
		{name: "L15 a Solicit without Rapid Commit opens nothing",
			steps: []step{{acc0, fromCPE(solicit, 1), "solicits"}, {core, toCPE(reply, 1, rapid, lease1), "unmatched"}}, asked: []string{duid1 + "@acc0"}},
		{name: "L15 an Advertise never teaches",
			steps: []step{{acc0, fromCPE(solicit, 1, rapid), "opened"}, {core, toCPE(advertise, 1, lease1), "advertises"}}},
		{name: "L15 a Reconfigure never teaches", steps: []step{{core, toCPE(dhcpv6.MessageTypeReconfigure, 0, lease1), "reconfigures"}}},
		{name: "R98 L15 a Reply to Confirm holds nothing, and its client is asked about", steps: []step{
			{acc0, fromCPE(confirm, 1), "opened"}, {core, toCPE(reply, 1, lease1, status(iana.StatusSuccess)), "empty"}}, asked: []string{duid1 + "@acc0"}},
		{name: "R98 not if it was refused", steps: []step{
			{acc0, fromCPE(confirm, 1), "opened"}, {core, toCPE(reply, 1, status(iana.StatusNotOnLink)), "refused"}}},
		{name: "L15 Replies to Decline and Release hold nothing", steps: []step{
			{acc0, fromCPE(decline, 2), "opened"}, {core, toCPE(reply, 2, lease1), "empty"},
			{acc0, fromCPE(release, 3), "release_empty"}, {core, toCPE(reply, 3, lease1), "empty"},
		}, asked: []string{duid1 + "@acc0"}},
		{name: "L15 a Reply that names no lease", steps: []step{{acc0, ask1, "opened"}, {core, toCPE(reply, 1), "empty"}}},

		{name: "L16 from an access interface: forged", steps: []step{{acc0, ask1, "opened"}, {acc0, answer1, "wrong_interface"}, {acc1, answer1, "wrong_interface"}}},
		{name: "L16 direct Reply from an access interface: forged", steps: []step{{acc0, ask1, "opened"},
			{acc0, udp6("fe80::bad", cpe1, portServer, portClient, dhcp(reply, 1, clientID(duid1), serverID(dhcpd), lease1)), "wrong_interface"}}},
		{name: "L16, C126 from an unlisted server", steps: []step{{acc0, ask1, "opened"},
			{core, fromServer("2001:db8:ffff::3", dhcp(reply, 1, clientID(duid1), serverID(dhcpd), lease1)), "unknown_server"}}},
		{name: "L16 a transaction-id that nobody opened", steps: []step{{acc0, ask1, "opened"}, {core, toCPE(reply, 2, lease1), "unmatched"}},
			asked: []string{duid1 + "@acc0"}},
		{name: "L16 another client's transaction", steps: []step{{acc0, ask1, "opened"},
			{core, fromServer(serverAddr, dhcp(reply, 1, clientID(duid2), serverID(dhcpd), lease1)), "unmatched"}}, asked: []string{duid2 + "@acc0"}},
		{name: "L16 the request came by another port", steps: []step{{acc1, ask1, "opened"}, {core, answer1, "wrong_port"}}, asked: []string{duid1 + "@acc0"}},
		{name: "L16 a neighbour that copies the request takes nothing over",
			steps: []step{{acc0, ask1, "opened"}, {acc1, ask1, "opened"}, {core, answer1, "taught"}}, seen: []string{held0}},
		{name: "L16 the relay layer names no port, one transaction does", steps: []step{{acc0, ask1, "opened"}, {core, nowhere, "taught"}}, seen: []string{held0}},
		{name: "L16 the relay layer names no port, two transactions do not either",
			steps: []step{{acc0, ask1, "opened"}, {acc1, ask1, "opened"}, {core, nowhere, "wrong_port"}}},
		{name: "R90 a point-to-point port needs no next hop", steps: []step{{ppp0, ask1, "opened"}, {core, nowhere, "taught"}},
			seen: []string{"0.0 held 2001:db8:8000::/50 iaid 1 ppp0 invalid IP 30/40"}},
		{name: "L16 one answer for each message of the client",
			steps: []step{{acc0, ask1, "opened"}, {core, answer1, "taught"}, {core, answer1, "duplicates"}, {acc0, ask1, "opened"}, {core, answer1, "taught"}},
			seen:  []string{held0, held0}},
		{name: "L16 a request seen before we started is asked about, if the Reply could teach",
			steps: []step{{core, answer1, "unmatched"}, {core, toCPE(reply, 5), "unmatched"}}, asked: []string{duid1 + "@acc0"}},
		{name: "L16 a relayed transaction is not answered past the relay", steps: []step{
			{acc0, udp6("2001:db8:100:1::99", allRelays, portClient, portServer, dhcp(renew, 1, clientID(duid1))), "opened"},
			{core, directReply, "unmatched"}}, asked: []string{duid1 + "@acc0"}},

		{name: "L16 a Renew past the relay places the address, not the prefix", steps: []step{{acc0, direct(renew), "opened"}, {core, directReply, "taught"}}, seen: []string{
			"0.0 held 2001:db8:100:1::99/128 iaid 1 acc0 invalid IP 30/40", "0.0 held 2001:db8:8000::/50 iaid 1  invalid IP 30/40"}},
		{name: "L16 a Renew past the relay with an address of another link places nothing", steps: []step{{acc1, direct(renew), "opened"}, {core, directReply, "taught"}}, seen: []string{
			"0.0 held 2001:db8:100:1::99/128 iaid 1  invalid IP 30/40", "0.0 held 2001:db8:8000::/50 iaid 1  invalid IP 30/40"}},
		{name: "G-9 a Release past the relay places nothing it can't know", steps: []step{{acc0, direct(release, lease1), "released"}},
			seen: []string{"0.0 released 2001:db8:8000::/50 iaid 1  invalid IP"}},

		{name: "G-9 a Release is reported on sight", steps: []step{{acc0, fromCPE(release, 1, serverID(dhcpd), lease1), "released"}},
			seen: []string{"0.0 released 2001:db8:8000::/50 iaid 1 acc0 fe80::c1"}},
		{name: "G-9 a Release through a relay below us", steps: []step{{acc2, viaAgg(release, serverID(dhcpd), lease1), "released"}},
			seen: []string{"0.0 released 2001:db8:8000::/50 iaid 1 acc2 " + agg}},
		{name: "G-9 a Release on a point-to-point port", steps: []step{{ppp0, fromCPE(release, 1, serverID(dhcpd), lease1), "released"}},
			seen: []string{"0.0 released 2001:db8:8000::/50 iaid 1 ppp0 invalid IP"}},
		{name: "G-9 a Release without SERVERID acts nowhere", steps: []step{{acc0, fromCPE(release, 1, lease1), "release_empty"}}, asked: []string{duid1 + "@acc0"}},
		{name: "G-9 a Release of an IA without prefixes gives nothing back", steps: []step{{acc0, fromCPE(release, 1, serverID(dhcpd), iaPD(1)), "release_empty"}},
			asked: []string{duid1 + "@acc0"}},
		{name: "G-9 a Release by a core interface", steps: []step{{core, fromCPE(release, 1, serverID(dhcpd), lease1), "misplaced"}}},
		{name: "R89 a Reply that a Release overtook is asked about", steps: []step{
			{acc0, ask1, "opened"}, {acc0, fromCPE(release, 2, serverID(dhcpd), lease1), "released"}, {core, answer1, "overtaken"}},
			seen: []string{"0.0 released 2001:db8:8000::/50 iaid 1 acc0 fe80::c1"}, asked: []string{duid1 + "@acc0"}},
		{name: "R89 another client's Release overtakes nothing", steps: []step{
			{acc0, ask1, "opened"}, {acc1, fromCPE(release, 2, serverID(dhcpd), lease1), "released"}, {core, answer1, "taught"}},
			seen: []string{"0.0 released 2001:db8:8000::/50 iaid 1 acc1 fe80::c1", held0}},

		{name: "R90, C112 behind an access node the client is the next hop", steps: []step{{acc0, viaNode(request), "opened"}, {core, toNode, "taught"}}, seen: []string{held0}},
		{name: "R90 a Release behind an access node", steps: []step{{acc0, viaNode(release, lease1), "released"}},
			seen: []string{"0.0 released 2001:db8:8000::/50 iaid 1 acc0 fe80::c1"}},
		{name: "L16 a relay below us that talks to the server past us",
			steps: []step{{acc2, udp6(agg, serverAddr, portServer, portServer, viaAgg(request)[header6+headerUDP:]), "transit"}}},

		{name: "L11 what clients do not send", steps: []step{
			{acc0, fromCPE(dhcpv6.MessageTypeInformationRequest, 1), "other_message"},
			{acc0, fromCPE(dhcpv6.MessageTypeLeaseQuery, 1), "other_message"},
			{acc0, viaAgg(dhcpv6.MessageTypeInformationRequest), "other_message"},
			{acc0, fromCPE(reply, 1, lease1), "other_message"},
			{core, toCPE(request, 1, lease1), "other_message"},
		}},
		{name: "C17 messages that can't be read", steps: []step{
			{acc0, udp6(cpe1, allRelays, portClient, portServer, nil), "malformed_message"},
			{acc0, udp6(cpe1, allRelays, portClient, portServer, []byte{3}), "malformed_message"},
			{acc0, udp6(cpe1, allRelays, portClient, portServer, dhcp(request, 1)), "malformed_message"},
			{acc0, udp6("::", allRelays, portClient, portServer, dhcp(request, 1, clientID(duid1))), "malformed_message"},
			{acc0, udp6("ff02::1", allRelays, portClient, portServer, dhcp(request, 1, clientID(duid1))), "malformed_message"},
			{acc0, fromCPE(request, 1, []byte{0, 25, 0, 200}), "malformed_message"},
			{core, fromServer(serverAddr, dhcp(reply, 1, clientID(duid1), lease1)), "malformed_message"},
			{core, fromServer(serverAddr, dhcp(reply, 1, serverID(dhcpd), lease1)), "malformed_message"},
			{core, udp6(serverAddr, relayAddr, portServer, portServer, []byte{13, 0}), "malformed_relay"},
		}},
		{name: "C106 more leases than a client can have", steps: []step{{acc0, ask1, "opened"},
			{core, toCPE(reply, 1, iaPD(1, repeat(maxLeases+1, prefix("2001:db8:8000::/50", 30, 40)))), "too_many_leases"},
			{core, toCPE(reply, 1, iaPD(1, repeat(2000, prefix("2001:db8:8000::/50", 30, 40)))), "too_many_leases"},
			{core, toCPE(reply, 1, repeat(maxLeases+1, iaPD(1))), "too_many_leases"},
		}},
		{name: "C17 a hundred relays", steps: []step{
			{acc0, udp6(cpe1, allRelays, portServer, portServer, nested(forward, 100, dhcp(request, 1, clientID(duid1)))), "too_many_relays"},
			{core, udp6(serverAddr, relayAddr, portServer, portServer, nested(relayRepl, 100, dhcp(reply, 1, clientID(duid1), serverID(dhcpd), lease1))), "too_many_relays"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(nil)
			seen := b.walk(t, tt.steps)
			if diff := cmp.Diff(tt.seen, seen); diff != "" {
				t.Errorf("observations (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.asked, b.asked); diff != "" {
				t.Errorf("questions (-want +got):\n%s", diff)
			}
		})
	}
}

// walk shows the packets one after the other, all at b.now.
func (b *bench) walk(t *testing.T, steps []step) (lines []string) {
	t.Helper()
	for i, s := range steps {
		fate, seen := b.see(s.on, s.data)
		if fate != s.fate {
			t.Errorf("step %d: fate is %s, want %s", i, fate, s.fate)
		}
		for _, o := range seen {
			lines = append(lines, b.line(o))
		}
	}
	return lines
}

func repeat(n int, b []byte) (all []byte) {
	for range n {
		all = append(all, b...)
	}
	return all
}

func nested(kind dhcpv6.MessageType, layers int, inner []byte) []byte {
	for i := range layers {
		inner = relayed(kind, byte(i), link0, cpe1, relayMsg(inner))
	}
	return inner
}

// What the leases of a Reply come to.
func TestReplyLeases(t *testing.T) {
	const p = "2001:db8:8000:4000::/50"
	tests := []struct {
		name    string
		options []byte
		fate    string
		seen    []string
		counts  []string
	}{
		{"C127 several prefixes with lifetimes of their own", iaPD(1, prefix(p, 30, 40), prefix("2001:db8:9000::/36", 5, 6)), "taught",
			[]string{"0.0 held " + p + " iaid 1 acc0 fe80::c1 30/40", "0.0 held 2001:db8:9000::/36 iaid 1 acc0 fe80::c1 5/6"}, []string{"leases_held", "leases_held"}},
		{"L15 valid 0 withdraws, beside a new prefix", iaPD(1, prefix(p, 0, 0), prefix("2001:db8:9000::/36", 5, 6)), "taught",
			[]string{"0.0 withdrawn " + p + " iaid 1 acc0 fe80::c1", "0.0 held 2001:db8:9000::/36 iaid 1 acc0 fe80::c1 5/6"}, []string{"leases_withdrawn"}},
		{"L15 NoBinding withdraws what it names", iaPD(1, prefix(p, 30, 40), status(iana.StatusNoBinding)), "taught",
			[]string{"0.0 withdrawn " + p + " iaid 1 acc0 fe80::c1"}, []string{"no_binding"}},
		{"L15 NoBinding that names nothing", iaPD(1, status(iana.StatusNoBinding)), "empty", nil, []string{"no_binding"}},
		{"L15 NoBinding of one prefix", iaPD(1, prefix(p, 30, 40, status(iana.StatusNoBinding)), prefix("2001:db8:9000::/36", 5, 6)), "taught",
			[]string{"0.0 withdrawn " + p + " iaid 1 acc0 fe80::c1", "0.0 held 2001:db8:9000::/36 iaid 1 acc0 fe80::c1 5/6"}, []string{"no_binding"}},
		{"L15 NoPrefixAvail holds nothing", iaPD(1, prefix(p, 30, 40), status(iana.StatusNoPrefixAvail)), "empty", nil, []string{"no_prefix_avail", "leases_refused"}},
		{"L15 NoPrefixAvail with valid 0 withdraws nothing", iaPD(1, prefix(p, 0, 0), status(iana.StatusNoPrefixAvail)), "empty", nil, []string{"leases_refused"}},
		{"L15 an error of one IA leaves the others alone", cat(iaNA(1, status(iana.StatusNoAddrsAvail)), iaPD(1, prefix(p, 30, 40))), "taught",
			[]string{"0.0 held " + p + " iaid 1 acc0 fe80::c1 30/40"}, []string{"no_addrs_avail"}},
		{"L15 NotOnLink of a prefix", iaPD(1, prefix(p, 30, 40, status(iana.StatusNotOnLink))), "empty", nil, []string{"not_on_link"}},
		{"L15 Success said aloud", cat(status(0), iaPD(1, prefix(p, 30, 40, status(0)), status(0))), "taught",
			[]string{"0.0 held " + p + " iaid 1 acc0 fe80::c1 30/40"}, nil},
		{"L15 UnspecFail of the message", cat(status(iana.StatusUnspecFail), iaPD(1, prefix(p, 30, 40))), "refused", nil, []string{"unspec_fail"}},
		{"L15 UseMulticast", cat(status(iana.StatusUseMulticast)), "refused", nil, []string{"use_multicast"}},
		{"L15 a status that nobody knows", cat(status(4711)), "refused", nil, []string{"other_status"}},
		{"R37 preferred above valid is skipped", iaPD(1, prefix(p, 41, 40), prefix("2001:db8:9000::/36", 5, 6)), "taught",
			[]string{"0.0 held 2001:db8:9000::/36 iaid 1 acc0 fe80::c1 5/6"}, []string{"lifetimes_crossed"}},
		{"R37, C106 lengths 0, 129 and 200", iaPD(1, rawPrefix("2001:db8::", 0, 5, 6), rawPrefix("2001:db8::", 129, 5, 6), rawPrefix("2001:db8::", 200, 5, 6)), "empty",
			nil, []string{"leases_malformed", "leases_malformed", "leases_malformed"}},
		{"R37, C107 host bits are cleared", iaPD(1, rawPrefix("2001:db8:8000:7fff::1", 50, 30, 40)), "taught",
			[]string{"0.0 held " + p + " iaid 1 acc0 fe80::c1 30/40"}, nil},
		{"R37 an address that is none", iaNA(1, address("ff02::1", 30, 40), address("::", 30, 40), address("fe80::1", 30, 40)), "empty", nil, []string{"leases_malformed"}},
		{"R37 a prefix in an IA_NA is nobody's", iaNA(1, prefix(p, 30, 40)), "empty", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(nil)
			seen := b.walk(t, []step{{acc0, ask1, "opened"}, {core, toCPE(reply, 1, tt.options), tt.fate}})
			if diff := cmp.Diff(tt.seen, seen); diff != "" {
				t.Errorf("observations (-want +got):\n%s", diff)
			}
			for _, name := range tt.counts {
				if b.stats.snapshot().Map()[name] == 0 {
					t.Errorf("%s was not counted", name)
				}
			}
		})
	}
}

func TestObservationInFull(t *testing.T) {
	b := newBench(nil)
	b.see(acc0, ask1)
	b.now = epoch.Add(300 * time.Millisecond)
	_, got := b.see(core, toCPE(reply, 1, iaPD(0xdeadbeef, prefix("2001:db8:8000::/50", 0xffffffff, 0xffffffff))))
	want := []binding.Observation{{
		Key:       binding.Key{Kind: binding.DelegatedPrefix, Prefix: netip.MustParsePrefix("2001:db8:8000::/50")},
		Statement: binding.Held, Source: binding.FromGlean, Exchange: binding.ReplyToRequest, Server: 1,
		Client: []byte(duid1), ServerDUID: []byte(dhcpd), IAID: 0xdeadbeef, HasIAID: true,
		Received: b.now, CLT: b.now, // R74
		ValidUntil: binding.Forever, PreferredUntil: binding.Forever, // R73
		Interface: acc0, NextHop: netip.MustParseAddr(cpe1),
	}}
	comparers := cmp.Options{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
	if diff := cmp.Diff(want, got, comparers); diff != "" {
		t.Errorf("R73, R74: observation (-want +got):\n%s", diff)
	}
}

// Once a client is known, what it says costs no memory; nor does what is
// dropped.
func TestTakeDoesNotAllocate(t *testing.T) {
	b := newBench(nil)
	batch := binding.NewBatch()
	defer batch.Free()
	for _, tt := range []step{{acc0, ask1, "opened"}, {acc0, fromCPE(solicit, 1), "solicits"}, {acc1, answer1, "wrong_interface"}, {core, answer1, "duplicates"}} {
		p := packet{data: tt.data, index: int(tt.on), at: epoch}
		b.take(&p, batch)
		if got := testing.AllocsPerRun(100, func() { b.take(&p, batch) }); got != 0 || counterNames[b.take(&p, batch)] != tt.fate {
			t.Errorf("%s: %v allocations", tt.fate, got)
		}
	}
}
