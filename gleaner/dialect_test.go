package gleaner

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leaseroute/binding"
)

const (
	sequenceOption = 65004
	notifyOption   = 65005
)

// dialects turns on the options that were never assigned a code.
func dialects(o *Options) {
	o.Servers[0].SequenceOption, o.Servers[0].NotifyOption = sequenceOption, notifyOption
}

func TestSequence(t *testing.T) {
	eight, four := cat(be32(1), be32(2)), be32(7)
	tests := []struct {
		name   string
		change func(*Options)
		outer  []byte
		want   string // sequence, present, short
	}{
		{"R82 eight octets", dialects, opt(sequenceOption, eight), "4294967298 true false"},
		{"R86 four octets", dialects, opt(sequenceOption, four), "7 true true"},
		{"R82 of several the first that can be used", dialects, cat(opt(sequenceOption, be16(1)), opt(sequenceOption, four), opt(sequenceOption, eight)), "7 true true"},
		{"R82 none", dialects, nil, "0 false false"},
		{"R83 not for a server without the dialect", nil, opt(sequenceOption, eight), "0 false false"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(tt.change)
			b.see(acc0, ask1)
			fate, seen := b.see(core, fromServer(serverAddr, dhcp(reply, 1, clientID(duid1), serverID(dhcpd), lease1), tt.outer))
			want(t, fate, "taught")
			for _, o := range seen {
				if got := fmt.Sprint(o.Sequence, o.HasSequence, o.Sequence32); got != tt.want {
					t.Errorf("sequence is %s, want %s", got, tt.want)
				}
			}
		})
	}
}

func TestNotification(t *testing.T) {
	container := opt(notifyOption, prefix("2001:db8:9000::/36", 5, 6), address("2001:db8:100:1::99", 7, 8))
	steps := []step{{acc0, ask1, "opened"},
		{core, fromServer(serverAddr, dhcp(reply, 1, clientID(duid1), serverID(dhcpd)), container, opt(notifyOption, []byte{0, 26, 0, 1})), "taught"}}
	b := newBench(dialects)
	got := b.walk(t, steps)
	want := []string{
		"0.0 held 2001:db8:9000::/36 iaid 0 acc0 fe80::c1 5/6",
		"0.0 held 2001:db8:100:1::99/128 iaid 0 acc0 fe80::c1 7/8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("2.5.5: observations (-want +got):\n%s", diff)
	}
	if s := b.stats.snapshot().values; s[leasesNotified] != 2 || s[leasesMalformed] != 1 {
		t.Errorf("2.5.5: %d notified, %d malformed; want 2, 1", s[leasesNotified], s[leasesMalformed])
	}
	steps[1].fate = "empty"
	if got := newBench(nil).walk(t, steps); got != nil {
		t.Errorf("2.5.5: without the dialect it taught %v", got)
	}
}

func TestNotificationIsMarked(t *testing.T) {
	b := newBench(dialects)
	b.see(acc0, ask1)
	_, seen := b.see(core, fromServer(serverAddr, dhcp(reply, 1, clientID(duid1), serverID(dhcpd), lease1), opt(notifyOption, prefix("2001:db8:8000::/50", 30, 40))))
	if len(seen) != 2 || seen[0].Source != binding.FromGlean || seen[1].Source != binding.FromNotify || seen[1].HasIAID {
		t.Errorf("R79: got %+v, want the same lease once gleaned and once notified", seen)
	}
}

func TestServerIdentity(t *testing.T) {
	linkLocal := fromServer("fe80::5", dhcp(reply, 1, clientID(duid1), serverID(dhcpd), lease1))
	tests := []struct {
		name   string
		server Server
		reply  []byte
		fate   string
	}{
		{"L16 the configured DUID", Server{Number: 2, Address: netip.MustParseAddr(serverAddr), DUID: []byte(dhcpd)}, answer1, "taught"},
		{"L16 another DUID", Server{Number: 2, Address: netip.MustParseAddr(serverAddr), DUID: []byte(duid2)}, answer1, "wrong_server_duid"},
		{"L16 a link-local server on its interface", Server{Number: 2, Address: netip.MustParseAddr("fe80::5%core0")}, linkLocal, "taught"},
		{"L16 a link-local server on another", Server{Number: 2, Address: netip.MustParseAddr("fe80::5%core1")}, linkLocal, "unknown_server"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(func(o *Options) { o.Servers = []Server{tt.server} })
			b.see(acc0, ask1)
			fate, seen := b.see(core, tt.reply)
			want(t, fate, tt.fate)
			for _, o := range seen {
				if o.Server != 2 {
					t.Errorf("server is %d, want 2", o.Server)
				}
			}
		})
	}
}

// Two servers may hold a lease for one client each; leasequery would report
// both (R70).
func TestEachServerAnswersOnce(t *testing.T) {
	b := newBench(func(o *Options) {
		o.Servers = append(o.Servers, Server{Number: 63, Address: netip.MustParseAddr("2001:db8:ffff::3")})
	})
	other := fromServer("2001:db8:ffff::3", dhcp(reply, 1, clientID(duid1), serverID(duid2), lease1))
	b.walk(t, []step{{acc0, ask1, "opened"}, {core, answer1, "taught"}, {core, other, "taught"}, {core, other, "duplicates"}, {core, answer1, "duplicates"}})
}

// A server on this box speaks to clients from a link-local address of ours,
// and to relays below us from any.
func TestOutgoing(t *testing.T) {
	local := func(o *Options) {
		o.Outgoing, o.Resolve = true, nil
		o.Servers = []Server{{Number: 4, Address: netip.MustParseAddr(link2), DUID: []byte(dhcpd)}}
	}
	direct := udp6(bng0, cpe1, portServer, portClient, dhcp(reply, 1, clientID(duid1), serverID(dhcpd), lease1))
	elsewhere := udp6(bng0, cpe1, portServer, portClient, dhcp(reply, 1, clientID(duid1), serverID(duid2), lease1))
	throughAgg := udp6(agg, link2, portServer, portServer, relayed(forward, 0, "2001:db8:100:4::1", "fe80::c3", relayMsg(dhcp(request, 1, clientID(duid1)))))
	toAgg := udp6(link2, agg, portServer, portServer, relayed(relayRepl, 0, "2001:db8:100:4::1", "fe80::c3",
		relayMsg(dhcp(reply, 1, clientID(duid1), serverID(dhcpd), lease1))))
	tests := []struct {
		name   string
		change func(*Options)
		on     binding.Interface
		ask    []byte
		reply  []byte
		fate   string
		seen   string
	}{
		{"L16 a local server's Reply on the link", local, acc0, ask1, direct, "taught", held0},
		{"L16 the relay's copy of another server's Reply", local, acc0, ask1, elsewhere, "egress", ""},
		{"L16 no local server", func(o *Options) { o.Outgoing = true }, acc0, ask1, direct, "egress", ""},
		{"L16 outgoing mode is off", func(o *Options) { local(o); o.Outgoing = false }, acc0, ask1, direct, "egress", ""},
		{"L16 out by another port", local, acc1, ask1, udp6(bng0, cpe2, portServer, portClient, dhcp(reply, 1, clientID(duid1), serverID(dhcpd), lease1)), "unmatched", ""},
		{"R90 a local server's Relay-reply to a relay below us", local, acc2, throughAgg, toAgg, "taught", "0.0 held 2001:db8:8000::/50 iaid 1 acc2 " + agg + " 30/40"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(tt.change)
			fate, _ := b.see(tt.on, tt.ask)
			want(t, fate, "opened")
			fate, seen := b.seePacket(packet{data: tt.reply, index: int(tt.on), outgoing: true})
			want(t, fate, tt.fate)
			got := ""
			for _, o := range seen {
				got += b.line(o)
			}
			if got != tt.seen {
				t.Errorf("got %q, want %q", got, tt.seen)
			}
		})
	}
	b := newBench(local)
	fate, _ := b.seePacket(packet{data: ask1, index: int(acc0), outgoing: true})
	want(t, fate, "egress")
}

// The Question hook costs the server a lookup for each call.
func TestQuestionsAreBounded(t *testing.T) {
	b := newBench(nil)
	for xid := range uint32(2 * questionBurst) {
		b.see(core, toCPE(reply, xid, lease1))
	}
	s := b.stats.snapshot().values
	if len(b.asked) != questionBurst || s[questions] != questionBurst || s[questionsSuppressed] != questionBurst {
		t.Errorf("L16: %d asked, %d counted, %d suppressed; want %d each", len(b.asked), s[questions], s[questionsSuppressed], questionBurst)
	}
	b.now = b.now.Add(time.Second)
	for xid := range uint32(2 * questionBurst) {
		b.see(core, toCPE(reply, xid, lease1))
	}
	if len(b.asked) != questionBurst+questionRate {
		t.Errorf("L16: %d asked a second later, want %d more", len(b.asked), questionRate)
	}
}

func TestWithoutQuestion(t *testing.T) {
	b := newBench(func(o *Options) { o.Question = nil })
	fate, _ := b.see(core, answer1)
	want(t, fate, "unmatched")
}

func TestTransactionGrowsOld(t *testing.T) {
	b := newBench(nil)
	b.see(acc0, ask1)
	b.now = b.now.Add(time.Minute + 1)
	fate, _ := b.see(core, answer1)
	want(t, fate, "unmatched")
	b.walk(t, []step{{acc0, ask1, "opened"}})
	b.now = b.now.Add(time.Minute)
	b.walk(t, []step{{core, answer1, "taught"}})
}

// An interface that went away is not taught about; one whose number is gone
// between question and answer has no place.
func TestInterfaceGoes(t *testing.T) {
	b := newBench(func(o *Options) { o.Resolve = nil })
	b.see(acc0, ask1)
	b.ports = newPorts(topology()[3:4], b.now)
	got := b.walk(t, []step{{acc0, ask1, "unknown_interface"}, {core, answer1, "taught"}})
	if diff := cmp.Diff([]string{"0.0 held 2001:db8:8000::/50 iaid 1  invalid IP 30/40"}, got); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
}
