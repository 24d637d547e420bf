package config

import (
	"errors"
	"strings"
	"time"
)

// Bounds of the on-demand keys.
const (
	maxRate     = 1_000_000
	maxSet      = 1 << 24 // elements of one of the kernel's sets
	relayPort   = 547
	maxUDPPort  = 65535
	maxNFLOG    = 65535
	maxNFTNames = 64
)

// onDemandKeys are about asking for single leases.
func onDemandKeys() []entry[Config] {
	return append([]entry[Config]{
		optional("on_demand.enabled", true, boolean(),
			func(c *Config, on bool) { c.OnDemand.Enabled = on },
			"Notice packets from an unknown source, or to a delegated prefix without a route, and ask the servers about their address."),
		optional("on_demand.mode", "accept", choice(word[bool]{"accept", false}, word[bool]{"guard", true}),
			func(c *Config, guard bool) { c.OnDemand.Guard = guard },
			"What happens to packets from an unknown source meanwhile: accept lets them pass, guard drops them until a lease is known (source verification, RFC 8987 R-3)."),
		optional("on_demand.ask", "all", choice(word[bool]{"all", false}, word[bool]{"in-order", true}),
			func(c *Config, inOrder bool) { c.OnDemand.InOrder = inOrder },
			"Whom to ask: all servers at once, or in the order of the configuration until one holds a lease."),
		optional("on_demand.local_port", 546, localPort(),
			func(c *Config, n int64) { c.OnDemand.LocalPort = uint16(n) },
			"The UDP port that servers are asked from. ISC dhcpd answers to 546 only; 547 is the relay's."),
		optional("on_demand.rate", 500, integer(1, maxRate),
			func(c *Config, n int64) { c.OnDemand.Rate = int(n) },
			"How many lookups are begun in a second, and how many datagrams one server gets in a second, repeats included."),
		optional("on_demand.interface_rate", 100, integer(1, maxRate),
			func(c *Config, n int64) { c.OnDemand.InterfaceRate = int(n) },
			"How many lookups are begun in a second for what comes in by one interface."),
		optional("on_demand.outstanding", 100, integer(1, 65536),
			func(c *Config, n int64) { c.OnDemand.Outstanding = int(n) },
			"How many lookups may wait for an answer at a time."),
		optional("on_demand.negative_ttl", "60s", duration(time.Second, longest),
			func(c *Config, d time.Duration) { c.OnDemand.NegativeTTL = d },
			"How long an address that nobody holds is not asked about again."),
		optional("on_demand.no_answer_ttl", "30s", duration(time.Second, longest),
			func(c *Config, d time.Duration) { c.OnDemand.NoAnswerTTL = d },
			"How long an address is not asked about again when no server answered."),
		optional("on_demand.max_negative", 65536, integer(1, maxSet),
			func(c *Config, n int64) { c.OnDemand.MaxNegative = int(n) },
			"How many such addresses are remembered."),
		optional("on_demand.check_before", "5m", duration(0, longest),
			func(c *Config, d time.Duration) { c.OnDemand.CheckBefore = d },
			"How long before its end a lease that nobody renewed is asked about, since the renewal may have passed by; at most an eighth of what it had left. 0s is never."),
	}, detectorKeys()...)
}

// detectorKeys are about the rules in the kernel.
func detectorKeys() []entry[Config] {
	return []entry[Config]{
		optional("on_demand.nft_table", "leaseroute", nftName(),
			func(c *Config, name string) { c.OnDemand.Table = name },
			"The nftables table of family inet that the rules are in. It is ours alone."),
		optional("on_demand.nflog_group", 100, integer(1, maxNFLOG),
			func(c *Config, n int64) { c.OnDemand.Group = uint16(n) },
			"The NFLOG group by which the kernel reports unknown packets. No other program may listen to it."),
		optional("on_demand.on_exit", "remove", choice(word[bool]{"remove", false}, word[bool]{"keep", true}),
			func(c *Config, keep bool) { c.OnDemand.Keep = keep },
			"What happens to the rules when the daemon stops. With mode guard, keep goes on dropping."),
		optional("on_demand.mac_rate", 2, integer(1, maxRate),
			func(c *Config, n int64) { c.OnDemand.MACRate = int(n) },
			"How many unknown sources one sender on the link may make us look at in a second."),
		optional("on_demand.candidate_rate", 300_000, integer(1, maxRate),
			func(c *Config, n int64) { c.OnDemand.CandidateRate = int(n) },
			"How many unknown addresses in a second are remembered for a second packet while an interface is over its rate: real hosts send again."),
		optional("on_demand.max_candidates", 1<<20, integer(1024, maxSet),
			func(c *Config, n int64) { c.OnDemand.MaxCandidates = int(n) },
			"How many of these are remembered; some 100 octets of kernel memory each, for some seconds."),
		optional("on_demand.max_verified", 1<<18, integer(1024, maxSet),
			func(c *Config, n int64) { c.OnDemand.MaxVerified = int(n) },
			"How many sources that have a route the kernel remembers, and how many destinations, so that their packets cost little."),
		optional("on_demand.max_pending", 1<<16, integer(1024, maxSet),
			func(c *Config, n int64) { c.OnDemand.MaxPending = int(n) },
			"How many addresses that were asked about the kernel remembers not to report."),
		optional("on_demand.pending_time", "5s", duration(time.Second, 10*time.Minute),
			func(c *Config, d time.Duration) { c.OnDemand.PendingTime = d },
			"How long an address that was reported is not reported again."),
	}
}

// localPort is the kind of ports that leasequeries are sent from. A relay must
// drop replies that reach it (R16).
func localPort() kind[int64] {
	return ranged("a port from 1 to 65535 but 547", 1, maxUDPPort, func(n int64) error {
		if n == relayPort {
			return errors.New("is the relay's")
		}
		return nil
	})
}

// nftName is the kind of names of nftables tables.
func nftName() kind[string] {
	return textual("1 to 64 letters, digits, dashes and underscores, a letter first", func(s string) (string, error) {
		switch {
		case s == "":
			return "", errors.New("is empty")
		case len(s) > maxNFTNames:
			return "", errors.New("is too long")
		case strings.ContainsFunc(s, notInNFTName), strings.ContainsRune("0123456789-_", rune(s[0])):
			return "", errors.New("is no name for a table")
		}
		return s, nil
	})
}

func notInNFTName(r rune) bool { return r == '.' || notInName(r) }
