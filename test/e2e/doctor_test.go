//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"

	"leaseroute/agent/doctor"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// An ailment is a fault that a test makes, and what the doctor is to say.
type ailment struct {
	name   string
	make   func(t *testing.T, s *site)
	server func(*lqserver.Options)
	plan   func(*lqserver.Plan)
	config []string
	entry  []string // more of the server's entry
	absent bool     // there is no server

	check string
	level doctor.Level
	about string // part of it
	found string // part of it
	fix   string // part of it
}

func ailments() []ailment {
	ip := func(commands ...string) func(*testing.T, *site) {
		return func(t *testing.T, s *site) { must(t, s.Router.IP(s.ctx, commands...)) }
	}
	return []ailment{
		{
			name: "forwarding is off", check: "forwarding", level: doctor.Fault, found: "forwarding is 0", fix: "sysctl -w",
			make: func(t *testing.T, s *site) { must(t, s.Router.Sysctl("net.ipv6.conf.all.forwarding", "0")) },
		},
		{
			name: "IPv6 is off", check: "kernel", level: doctor.Fault, found: "IPv6 is switched off", fix: "disable_ipv6=0",
			make: func(t *testing.T, s *site) { must(t, s.Router.Sysctl("net.ipv6.conf.all.disable_ipv6", "1")) },
		},
		{
			name: "an access interface is down", check: "interfaces", level: doctor.Warn, about: "acc1", found: "down", fix: "ip link set acc1 up",
			make: ip("link set acc1 down"),
		},
		{
			name: "no interface matches", check: "interfaces", level: doctor.Fault, about: "interfaces.core", found: "no interface matches wan*", fix: "interfaces.core",
			config: []string{`interfaces: { access: ["acc*"], core: ["wan*"] }`},
		},
		{
			name: "no link-address to ask for", check: "interfaces", level: doctor.Warn, about: "links", found: "no access interface has a global address", fix: "links",
			make: ip("address flush dev acc0 scope global", "address flush dev acc1 scope global"),
		},
		{
			name: "a connected prefix inside an allowed block", check: "blocks", level: doctor.Fault, about: "2001:db8:9000::/64", found: "overlaps delegation.allowed", fix: "delegation.allowed",
			make: ip("address add 2001:db8:9000::1/64 dev acc0 nodad"),
		},
		{
			name: "somebody else's route inside an allowed block", check: "blocks", level: doctor.Note, about: "2001:db8:9000::/56", found: "somebody else's route", fix: "ip -6 route del",
			make: ip("route add 2001:db8:9000::/56 via fe80::9 dev acc0 proto static"),
		},
		{
			name: "no covering route beside a default route", check: "covering routes", level: doctor.Warn, found: "no covering route, and a default route", fix: "routes.aggregate",
			make: ip("route add default via 2001:db8:0:1::1"), config: []string{"routes: { aggregate: none }"},
		},
		{
			name: "somebody else uses the protocol number", check: "protocol number", level: doctor.Fault, about: "2001:db8:5::/64", found: "can't be ours", fix: "routes.protocol",
			make: ip("route add 2001:db8:5::/64 via fe80::9 dev acc0 proto 158"),
		},
		{
			name: "the NFLOG group is taken", check: "nft and nflog", level: doctor.Fault, about: "NFLOG group 100", found: "another program listens", fix: "on_demand.nflog_group",
			make: takeGroup,
		},
		{name: "the server is not there", absent: true, check: "servers", level: doctor.Fault, about: "dhcp1", found: "nothing listens there", fix: "is it up"},
		{
			name: "the server refuses our source", check: "servers", level: doctor.Fault, about: "dhcp1", found: "refuses our source", fix: "requesters",
			server: func(o *lqserver.Options) { o.Allow = []netip.Prefix{netip.MustParsePrefix("2001:db8:ffff::/48")} },
		},
		{
			name: "the server has another DUID", check: "servers", level: doctor.Fault, about: "dhcp1", found: "the configuration says", fix: "duid",
			entry: []string{`duid: "000300010200000000aa"`},
		},
		{
			name: "the server says nothing over UDP", check: "servers", level: doctor.Fault, about: "dhcp1", found: "silent over UDP", fix: "lookup: false",
			server: func(o *lqserver.Options) { o.Faults.UDP.Dead = true },
		},
		{
			name: "the server has no index of relays", check: "servers", level: doctor.Note, about: "dhcp1", found: "NotAllowed", fix: "extended-info-tables-enabled",
			server: func(o *lqserver.Options) { o.Denied = []lqserver.QueryType{lqserver.ByRelayID} },
		},
		{
			name: "the server does not know our relay-id", check: "servers", level: doctor.Note, about: "dhcp1", found: "no lease by our relay-id", fix: "relay_id",
			plan: func(p *lqserver.Plan) {
				for i := range p.Links {
					p.Links[i].RelayID = nil
				}
			},
		},
		{
			name: "the server knows no lease of this router", check: "servers", level: doctor.Warn, about: "dhcp1", found: "knows no lease", fix: "links",
			plan: func(p *lqserver.Plan) {
				p.Links = []lqserver.Link{{Address: netip.MustParsePrefix("2001:db8:77::1/64")}}
			},
		},
		{
			name: "the block is other relays' too", check: "servers", level: doctor.Warn, about: "dhcp1", found: "made through other relays", fix: "delegation.allowed",
			plan: func(p *lqserver.Plan) {
				p.Links = []lqserver.Link{{Address: netip.MustParsePrefix("2001:db8:77::1/64"), RelayID: routerDUID}}
			},
			config: []string{`links: ["2001:db8:1::1"]`},
		},
		{
			name: "our source address is nowhere", check: "servers", level: doctor.Fault, about: "dhcp1", found: "on no interface", fix: "source",
			entry: []string{`source: "2001:db8:0:1::99"`},
		},
		{name: "no daemon runs", check: "daemon", level: doctor.Warn, found: "no daemon answers", fix: "leaseroute run"},
	}
}

// takeGroup has somebody else listen to the NFLOG group until the test is over.
func takeGroup(t *testing.T, s *site) {
	t.Helper()
	var c *netlink.Conn
	must(t, s.Router.Do(func() (err error) {
		c, err = netlink.Dial(12, nil) // NETLINK_NETFILTER
		return err
	}))
	t.Cleanup(func() { c.Close() })
	// NFULNL_MSG_CONFIG for group 100 with NFULA_CFG_CMD = BIND.
	_, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: 4<<8 | 1, Flags: netlink.Request | netlink.Acknowledge},
		Data:   []byte{0, 0, 0, 100, 5, 0, 1, 0, 1, 0, 0, 0},
	})
	must(t, err)
}

// TestDoctor: each fault is made on its own site, and found; a site without one
// is well.
func TestDoctor(t *testing.T) {
	for _, a := range ailments() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			findings, code := a.examine(t)
			at := slices.IndexFunc(findings, func(f doctor.Finding) bool {
				return f.Check == a.check && f.Level == a.level && strings.Contains(f.About, a.about) && strings.Contains(f.Found, a.found)
			})
			if at < 0 {
				t.Fatalf("not found; found was\n%s", told(findings))
			}
			if f := findings[at]; f.Why == "" || !strings.Contains(f.Fix, a.fix) {
				t.Errorf("why %q, fix %q; want %q in it", f.Why, f.Fix, a.fix)
			}
			if wrong := a.level == doctor.Fault; wrong != (code == 1) {
				t.Errorf("exit %d; found was\n%s", code, told(findings))
			}
		})
	}
	t.Run("a box that is well has no fault and no warning", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, config(dhcp1()))
		s.serveBoth(t, s.generate(t, 20, nil), lqserver.Options{})
		s.Start(t)
		s.Recovered(t)
		findings, code := s.doctor(t)
		for _, f := range findings {
			if f.Level == doctor.Fault || f.Level == doctor.Warn || code != 0 {
				t.Errorf("exit %d; found was\n%s", code, told(findings))
				break
			}
		}
	})
}

// examine makes the fault and asks the doctor.
func (a ailment) examine(t *testing.T) ([]doctor.Finding, int) {
	t.Helper()
	s := newSite(t, config(append([]string{dhcp1(a.entry...)}, a.config...)...))
	if !a.absent {
		var o lqserver.Options
		if a.server != nil {
			a.server(&o)
		}
		s.serveBoth(t, s.generate(t, 20, a.plan), o)
	}
	if a.make != nil {
		a.make(t, s)
	}
	return s.doctor(t)
}

// serveBoth serves over TCP and UDP.
func (s *site) serveBoth(t *testing.T, store lqserver.Store, o lqserver.Options) {
	t.Helper()
	var err error
	o.Packets, err = s.Server.ListenPacket("udp6", fmt.Sprintf("[%s]:547", lab.ServerAddress))
	must(t, err)
	s.serve(t, 547, store, o)
}

func (s *site) doctor(t *testing.T) ([]doctor.Finding, int) {
	t.Helper()
	stdout, stderr, code := s.Run(t, "doctor", "--json")
	var findings []doctor.Finding
	if err := json.Unmarshal([]byte(stdout), &findings); err != nil {
		t.Fatalf("%v: exit %d, %s", err, code, stderr)
	}
	return findings, code
}

func told(findings []doctor.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s %s: %s\n", f.Level, f.Check, f.About, f.Found)
	}
	return b.String()
}
