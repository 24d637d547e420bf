//go:build linux

package e2e

import (
	"net/netip"

	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// bindingFaults are about what the server says of a lease.
func bindingFaults() []fault {
	counts := func(name string, n uint64) map[string]uint64 { return map[string]uint64{name: n} }
	return []fault{
		{name: "R78 the same lease twice", knobs: []string{"duplicate"}, counters: counts("observations_merged", clients)},
		{
			name: "R77 another client, heard later", knobs: []string{"contradict=newer"}, changed: otherClient, lasting: true,
			counters: counts("conflicts", clients),
		},
		{name: "R77 another client, heard earlier", knobs: []string{"contradict=older"}, counters: counts("conflicts", clients)},
		{name: "R35 no CLT_TIME in every third", knobs: []string{"lack=clt", "every=3"}, struck: but(3), counters: counts("no_clt", clients/3)},
		{name: "R36 no client-id", knobs: []string{"lack=client-id"}, struck: nobody, counters: counts("no_client_id", clients), log: "client data without client-id skipped.* server=dhcp1"},
		{name: "R36 no lease", knobs: []string{"lack=lease", "every=2"}, struck: but(2), counters: counts("no_lease", clients/2), log: "client data without a lease skipped.* duid=00030001"},
		{name: "R37 C106 length 0", knobs: []string{"prefix-length=0"}, struck: nobody, counters: counts("malformed_leases", clients), log: "malformed lease skipped.* duid=00030001.*length 0, want 1 to 128"},
		{name: "R37 C106 length 200", knobs: []string{"prefix-length=200", "every=2"}, struck: but(2), counters: counts("malformed_leases", clients/2), log: "malformed lease skipped.* duid=00030001.*length 200, want 1 to 128"},
		{name: "R37 a length that is not allowed", knobs: []string{"prefix-length=47", "every=2"}, struck: but(2)},
		{
			name: "C108 another length than before", knobs: []string{"prefix-length=60"},
			changed: func(r lab.Route) lab.Route {
				r.Prefix = netip.PrefixFrom(r.Prefix.Addr(), 60)
				return r
			},
		},
		{name: "C107 host bits", knobs: []string{"host-bits"}, counters: counts("host_bits", clients), log: "host bits cleared.* prefix=\"2001:db8:8000:"},
		{
			name: "R33 C17 an option that is cut off", knobs: []string{"truncated-option", "every=4"}, struck: but(4),
			counters: counts("malformed_client_data", clients/4), log: "malformed client data skipped.*option at octet",
		},
		{name: "R90 C112 malformed relay data", knobs: []string{"relay-data=wrong"}, struck: nobody, counters: counts("relay_data_errors", clients), log: "relay data is malformed.*option at octet"},
		{name: "R90 C113 no relay data", knobs: []string{"relay-data=missing"}, struck: nobody, counters: counts("no_relay_data", clients)},
		{
			name: "R88 C104 lifetimes of zero", knobs: []string{"zero-valid", "every=2"}, struck: but(2), lasting: true,
			counters: counts("withdrawn", clients/2),
		},
		{
			name: "R37 C105 a preferred lifetime above the valid one", knobs: []string{"preferred-above-valid"},
			counters: counts("preferred_capped", clients),
		},
		{
			name: "R60 C77 leases reported that are over", knobs: []string{"stale=2"},
			plan:     func(p *lqserver.Plan) { p.ExpiredEvery = 5 },
			server:   lqserver.Options{Manner: lqserver.Kea()},
			live:     func(i int) bool { return i%5 != 0 },
			struck:   func(i int) bool { return i%5 != 0 },
			counters: map[string]uint64{"doubtful": 3, "suspects_denied": 3, "bindings_denied": 3},
		},
	}
}

// otherClient is how the server contradicts itself: at another link-local.
func otherClient(r lab.Route) lab.Route {
	a := r.Gateway.As16()
	a[15] ^= 0xff
	r.Gateway = netip.AddrFrom16(a)
	return r
}
