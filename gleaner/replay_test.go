package gleaner

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leaseroute/binding"
)

// Every capture of testdata/relay, with what its README says a gleaner should
// reach. seen is one line for each observation; routes are the delegated
// prefixes that are left 20 seconds after the last packet.
var replays = []struct {
	name   string
	files  []string
	seen   []string
	routes []string
}{
	{
		name:  "G-8, G-9 pd-plain: a route after the Reply to Request, gone with the Release",
		files: []string{"pd-plain-acc0", "pd-plain-core"},
		seen: []string{
			"1.0 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40",
			"7.0 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 24/34",
			"11.7 released 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1",
		},
	},
	{
		name:  "L15 napd-ifid: IA_NA and IA_PD with one IAID are two leases",
		files: []string{"napd-ifid-acc0", "napd-ifid-core"},
		seen: []string{
			"1.0 held 2001:db8:100:1::161f/128 iaid 101 acc0 fe80::c1 30/40",
			"1.0 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40",
			"7.1 held 2001:db8:100:1::161f/128 iaid 101 acc0 fe80::c1 24/34",
			"7.1 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 24/34",
			"10.9 released 2001:db8:100:1::161f/128 iaid 101 acc0 fe80::c1",
			"10.9 released 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1",
		},
	},
	{
		name:  "L15 two-iapd: the Advertise with one prefix in two IA_PDs teaches nothing",
		files: []string{"two-iapd-acc0", "two-iapd-core"},
		seen: []string{
			"1.1 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40",
			"1.1 held 3fff:0:1fe::/48 iaid 102 acc0 fe80::c1 30/40",
			"7.5 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 24/34",
			"7.5 held 3fff:0:1fe::/48 iaid 102 acc0 fe80::c1 24/34",
			"10.6 released 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1",
			"10.6 released 3fff:0:1fe::/48 iaid 102 acc0 fe80::c1",
		},
	},
	{
		name:  "G-8 rebind-ifid: a Renew that nobody answers removes nothing",
		files: []string{"rebind-ifid-acc0", "rebind-ifid-core"},
		seen: []string{
			"1.1 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40",
			"17.8 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40",
			"23.8 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 24/34",
		},
		routes: []string{"3fff:0:1ff::/48 acc0 fe80::c1"},
	},
	{
		name:  "L15 zero-lifetimes: the old prefix goes by 0/0 beside the new one",
		files: []string{"zero-lifetimes-acc0", "zero-lifetimes-core"},
		seen: []string{
			"1.0 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40",
			"16.8 withdrawn 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1",
			"16.8 held 3fff:0:aff::/48 iaid 101 acc0 fe80::c1 30/40",
			"22.8 held 3fff:0:aff::/48 iaid 101 acc0 fe80::c1 24/34",
		},
		routes: []string{"3fff:0:aff::/48 acc0 fe80::c1"},
	},
	{
		name:  "G-8 renumber: NoBinding names no prefix, the old one lives as long as promised",
		files: []string{"renumber-acc0", "renumber-core"},
		seen: []string{
			"1.0 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40",
			"7.8 held 3fff:0:aff::/48 iaid 101 acc0 fe80::c1 30/40",
			"15.8 held 3fff:0:aff::/48 iaid 101 acc0 fe80::c1 22/32",
		},
		routes: []string{"3fff:0:1ff::/48 acc0 fe80::c1", "3fff:0:aff::/48 acc0 fe80::c1"},
	},
	{
		name:  "L15 nobinding: the same prefix again",
		files: []string{"nobinding-acc0", "nobinding-core"},
		seen: []string{
			"1.2 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40",
			"8.3 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40",
		},
		routes: []string{"3fff:0:1ff::/48 acc0 fe80::c1"},
	},
	{
		name:  "L15 refuse: Advertise with errors teaches nothing",
		files: []string{"refuse-acc0", "refuse-core"},
	},
	{
		name:  "L15 rapid-commit: a Reply to a Solicit",
		files: []string{"rapid-commit-acc0", "rapid-commit-core"},
		seen: []string{
			"0.0 held 3fff:0:1ff::/48 iaid 7 acc0 fe80::c1 30/40",
			"8.6 released 3fff:0:1ff::/48 iaid 7 acc0 fe80::c1",
		},
	},
	{
		name:  "L16 two-clients: interleaved exchanges on two ports",
		files: []string{"two-clients-acc0", "two-clients-acc1", "two-clients-core"},
		seen: []string{
			"1.0 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40",
			"1.8 held 2001:db8:100:2::1eb0/128 iaid 102 acc1 fe80::c2 30/40",
			"1.8 held 3fff:0:2fff:ff00::/56 iaid 102 acc1 fe80::c2 30/40",
		},
		routes: []string{"3fff:0:1ff::/48 acc0 fe80::c1", "3fff:0:2fff:ff00::/56 acc1 fe80::c2"},
	},
	{
		name:  "G-9 reassign: released on one port, leased on another",
		files: []string{"reassign-acc0", "reassign-acc1", "reassign-core"},
		seen: []string{
			"1.0 held 3fff:0:100::/48 iaid 101 acc0 fe80::c1 30/40",
			"5.1 released 3fff:0:100::/48 iaid 101 acc0 fe80::c1",
			"8.1 held 3fff:0:100::/48 iaid 102 acc1 fe80::c2 30/40",
		},
		routes: []string{"3fff:0:100::/48 acc1 fe80::c2"},
	},
	{
		name:  "R90 two-hop: via the relay below us, not via a link-local that we can't reach",
		files: []string{"two-hop-acc2", "two-hop-core"},
		seen: []string{
			"1.1 held 3fff:0:4fff:fff0::/60 iaid 103 acc2 2001:db8:100:3::2 30/40",
			"7.1 held 3fff:0:4fff:fff0::/60 iaid 103 acc2 2001:db8:100:3::2 24/34",
			"11.6 released 3fff:0:4fff:fff0::/60 iaid 103 acc2 2001:db8:100:3::2",
		},
	},
	{
		name:  "L16 unicast-renew: a Reply past the relay (it takes the address back) counts",
		files: []string{"unicast-renew-acc0", "unicast-renew-core"},
		seen: []string{
			"1.0 held 2001:db8:100:1::1999/128 iaid 1 acc0 fe80::c1 30/40",
			"1.0 held 3fff:0:1ff::/48 iaid 1 acc0 fe80::c1 30/40",
			"6.1 held 3fff:0:1ff::/48 iaid 1 acc0 fe80::c1 25/35",
			"7.1 withdrawn 2001:db8:100:1::1999/128 iaid 1 acc0 invalid IP",
			"12.1 held 3fff:0:1ff::/48 iaid 1 acc0 fe80::c1 30/40",
			"16.0 released 3fff:0:1ff::/48 iaid 1 acc0 fe80::c1",
		},
	},
	{
		name:   "L16 relay-mcast: the relay multicasts to servers",
		files:  []string{"relay-mcast-acc0", "relay-mcast-core"},
		seen:   []string{"1.0 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40"},
		routes: []string{"3fff:0:1ff::/48 acc0 fe80::c1"},
	},
	{
		name:   "L16 relay-dibbler: Interface-Id before the relayed message",
		files:  []string{"relay-dibbler-acc0", "relay-dibbler-core"},
		seen:   []string{"1.0 held 3fff:0:1ff::/48 iaid 101 acc0 fe80::c1 30/40"},
		routes: []string{"3fff:0:1ff::/48 acc0 fe80::c1"},
	},
	{
		name:  "G-9 client-dhcp6c-dhcpcd: one client releases, the other just stops",
		files: []string{"client-dhcp6c-acc0", "client-dhcpcd-acc1", "client-dhcp6c-dhcpcd-core"},
		seen: []string{
			"1.0 held 3fff:0:1ff::/48 iaid 7 acc0 fe80::c1 1800/3600",
			"7.0 released 3fff:0:1ff::/48 iaid 7 acc0 fe80::c1",
			"8.1 held 3fff:0:2fff:ff00::/56 iaid 9 acc1 fe80::c2 1800/3600",
		},
		routes: []string{"3fff:0:2fff:ff00::/56 acc1 fe80::c2"},
	},
}

// replayModes are ways to watch the same traffic that must come to the same.
var replayModes = []struct {
	name   string
	egress bool // show what leaves, too
	change func(*Options)
}{
	{"ingress", false, nil},
	{"outgoing mode", true, func(o *Options) { o.Outgoing = true }},
	{"no resolver", false, func(o *Options) { o.Resolve = nil }},
}

func TestReplay(t *testing.T) {
	for _, tt := range replays {
		for _, mode := range replayModes {
			t.Run(tt.name+"/"+mode.name, func(t *testing.T) {
				b := newBench(mode.change)
				records := scenario(t, tt.files...)
				seen := b.replay(t, records, mode.egress)
				var lines []string
				for _, o := range seen {
					lines = append(lines, b.line(o))
				}
				if diff := cmp.Diff(tt.seen, lines); diff != "" {
					t.Errorf("observations (-want +got):\n%s", diff)
				}
				end := records[len(records)-1].at.Add(20 * time.Second)
				if diff := cmp.Diff(tt.routes, routesOf(seen, end)); diff != "" {
					t.Errorf("routes (-want +got):\n%s", diff)
				}
				if len(b.asked) > 0 {
					t.Errorf("questions: %q", b.asked)
				}
			})
		}
	}
}

// replay shows the matcher a scenario. No packet of a real exchange may be
// taken for malformed, forged or lost.
func (b *bench) replay(t *testing.T, records []record, egressToo bool) (seen []binding.Observation) {
	t.Helper()
	good := strings.Fields("egress solicits opened advertises taught empty released duplicates")
	b.now = records[0].at
	for _, r := range records {
		if r.outgoing && !egressToo {
			continue
		}
		batch := binding.NewBatch() // not freed: the observations alias it
		fate := counterNames[b.take(&r.packet, batch)]
		if !slices.Contains(good, fate) {
			t.Errorf("%s, frame %d: %s", r.file, r.frame, fate)
		}
		seen = append(seen, batch.Observations...)
	}
	return seen
}

// line writes an observation down: b.now is when the scenario began.
func (b *bench) line(o binding.Observation) string {
	what := map[binding.Statement]string{binding.Held: "held", binding.Withdrawn: "withdrawn", binding.Released: "released"}[o.Statement]
	s := fmt.Sprintf("%.1f %s %s iaid %x %s %s", o.Received.Sub(b.now).Seconds(), what, o.Key.Prefix, o.IAID, names[o.Interface], o.NextHop)
	if o.Statement == binding.Held {
		s += fmt.Sprintf(" %.0f/%.0f", o.PreferredUntil.Sub(o.Received).Seconds(), o.ValidUntil.Sub(o.Received).Seconds())
	}
	return s
}

// routesOf is what a table would make of it: the simplest that can be.
func routesOf(seen []binding.Observation, end time.Time) (routes []string) {
	held := make(map[netip.Prefix]binding.Observation)
	for _, o := range seen {
		p := o.Key.Prefix
		old := held[p]
		mine := string(old.Client) == string(o.Client) && old.Interface == o.Interface && old.NextHop == o.NextHop && old.IAID == o.IAID
		switch {
		case o.Key.Kind == binding.Address:
		case o.Statement == binding.Held:
			held[p] = o
		case mine:
			delete(held, p)
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(held), netip.Prefix.Compare) {
		if o := held[p]; o.ValidUntil.After(end) {
			routes = append(routes, fmt.Sprintf("%s %s %s", p, names[o.Interface], o.NextHop))
		}
	}
	return routes
}

// Every packet of the captures is used.
func TestReplaysCoverAllCaptures(t *testing.T) {
	used := make(map[string]bool)
	for _, tt := range replays {
		for _, f := range tt.files {
			used[f+".pcap"] = true
		}
	}
	for _, f := range captureFiles(t) {
		if !used[f] {
			t.Errorf("%s is in no replay", f)
		}
	}
}
