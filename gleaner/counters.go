package gleaner

import "sync/atomic"

// A counter names one number of the gleaner. Those of the second and third
// group are fates: each packet that was read ends in exactly one of them.
type counter uint8

// The capture.
const (
	received      counter = iota // packets read from the socket
	kernelDropped                // packets that the kernel dropped because the socket's buffer was full
	queueFull                    // times the reader had to wait for the decoder; nothing is lost by that alone
	interfaces                   // gauge: interfaces watched

	// Fates of packets that are no DHCPv6 message in the right place.
	truncated        // longer than the buffer for one packet
	unknownInterface // of an interface that is neither access nor core
	egress           // our own, leaving: only a DHCP server on this box is of interest
	malformedIP      // lengths or extension headers that do not fit the packet
	fragments        // a fragment; the lease is left to leasequery
	malformedUDP     // a UDP length that does not fit the packet, or octets behind the datagram
	badChecksum      // a wrong UDP checksum that should have been right
	dhcpv4           // DHCPv4, which is not gleaned
	notDHCP          // neither client nor server port

	// Fates of DHCPv6 messages.
	malformedRelay   // relay layers that can't be read, or without a message inside
	tooManyRelays    // more relay layers than RFC 8415 allows
	malformedMessage // a client or server message that can't be read
	tooManyLeases    // a message with more leases than maxLeases
	otherMessage     // a type that has no part in gleaning
	misplaced        // a client message on an interface that is no access interface
	transit          // a relay below us talks to the server past us
	solicits         // a Solicit without Rapid Commit: nothing can come of it but an Advertise
	opened           // a client message that opened a transaction, or renewed it
	released         // a Release, reported on sight (G-9)
	releaseEmpty     // a Release without a lease, or without SERVERID: servers ignore such too
	wrongInterface   // L16: a server's message on an interface that is no core interface: forged
	unknownServer    // L16: a server's message from an address that is not configured
	wrongServerDUID  // from a configured server, but with another DUID than the configured one
	advertises       // an Advertise, which never teaches
	reconfigures     // a Reconfigure, which never teaches
	unmatched        // L16: a Reply to a transaction that nobody opened
	wrongPort        // L16: a Reply whose relay layer names another port than the client's message came by
	duplicates       // a second Reply of the same server to one message
	overtaken        // a Reply to a message that the client's own Release overtook
	noRapidCommit    // a Reply to a Solicit that lacks the Rapid Commit option
	refused          // a Reply with an error status at message level
	empty            // a Reply that names no lease, such as the one to a Release
	taught           // a Reply that taught something

	// Leases and their statuses, at whichever level they stand.
	leasesHeld       // reported as held
	leasesWithdrawn  // reported as withdrawn: NoBinding, or a valid lifetime of 0 (L15)
	leasesReleased   // reported as released
	leasesNotified   // of these, from the assignment notification option
	leasesMalformed  // R37: skipped, such as a prefix of length 0 or above 128
	lifetimesCrossed // R37: skipped, preferred lifetime above the valid one
	leasesRefused    // skipped because of a status other than NoBinding
	unspecFail       // statuses of messages, IAs and leases
	noAddrsAvail
	noBinding
	notOnLink
	useMulticast
	noPrefixAvail
	otherStatus
	sequenceUnusable // sequence number options of a wrong length, ignored

	// Transactions.
	transactionsOpen    // gauge
	transactionsEvicted // pushed out by others before they were answered
	transactionsExpired // their time was over, or they were answered and made room

	// Questions.
	questions           // clients that a server should be asked about
	questionsSuppressed // of these, not put because there were too many

	numCounters
)

// counterNames are a promise to whoever reads status or metrics.
var counterNames = [numCounters]string{
	received: "received", kernelDropped: "kernel_dropped", queueFull: "queue_full", interfaces: "interfaces",

	truncated: "truncated", unknownInterface: "unknown_interface", egress: "egress",
	malformedIP: "malformed_ip", fragments: "fragments", malformedUDP: "malformed_udp",
	badChecksum: "bad_checksum", dhcpv4: "dhcpv4", notDHCP: "not_dhcp",

	malformedRelay: "malformed_relay", tooManyRelays: "too_many_relays",
	malformedMessage: "malformed_message", tooManyLeases: "too_many_leases",
	otherMessage: "other_message", misplaced: "misplaced", transit: "transit", solicits: "solicits",
	opened: "opened", released: "released", releaseEmpty: "release_empty",
	wrongInterface: "wrong_interface", unknownServer: "unknown_server",
	wrongServerDUID: "wrong_server_duid", advertises: "advertises", reconfigures: "reconfigures",
	unmatched: "unmatched", wrongPort: "wrong_port", duplicates: "duplicates", overtaken: "overtaken",
	noRapidCommit: "no_rapid_commit", refused: "refused", empty: "empty", taught: "taught",

	leasesHeld: "leases_held", leasesWithdrawn: "leases_withdrawn", leasesReleased: "leases_released",
	leasesNotified: "leases_notified", leasesMalformed: "leases_malformed",
	lifetimesCrossed: "lifetimes_crossed", leasesRefused: "leases_refused",
	unspecFail: "unspec_fail", noAddrsAvail: "no_addrs_avail", noBinding: "no_binding",
	notOnLink: "not_on_link", useMulticast: "use_multicast", noPrefixAvail: "no_prefix_avail",
	otherStatus: "other_status", sequenceUnusable: "sequence_unusable",

	transactionsOpen: "transactions_open", transactionsEvicted: "transactions_evicted",
	transactionsExpired: "transactions_expired",
	questions:           "questions", questionsSuppressed: "questions_suppressed",
}

// counters are counted by the gleaner's goroutines and read by any.
type counters [numCounters]atomic.Uint64

// count adds one.
func (c *counters) count(of counter) { c[of].Add(1) }

// snapshot returns the values of now.
func (c *counters) snapshot() Stats {
	var s Stats
	for i := range c {
		s.values[i] = c[i].Load()
	}
	return s
}

// Stats are the gleaner's numbers at one instant. Each packet that was
// received is in one of the numbers that name a fate, unless it still waits.
type Stats struct{ values [numCounters]uint64 }

// Map returns the numbers by their names, which are snake_case and stable.
func (s Stats) Map() map[string]uint64 {
	m := make(map[string]uint64, numCounters)
	for i, v := range s.values {
		m[counterNames[i]] = v
	}
	return m
}
