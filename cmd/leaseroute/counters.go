package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// ordinary are the counters of what happens every day: --json has them, the
// status on a terminal leaves them out. All others are shown as soon as they
// have counted something.
var ordinary = map[string]bool{
	"observations_bulk": true, "observations_lookup": true, "observations_glean": true, "observations_kernel": true,
	"observations_state": true, "observations_notify": true, "observations_active": true, "observations_merged": true,
	"bindings_expired": true, "bindings_released": true,

	"route_messages": true, "route_batches": true, "route_lookups": true, "route_dumps": true,
	"routes_installed": true, "routes_replaced": true, "routes_refreshed": true, "routes_deleted": true, "routes_adopted": true,

	"connects": true, "idle_closes": true, "queries": true, "completed": true, "empty_answers": true,
	"messages": true, "bindings": true, "rounds_complete": true, "suspects_asked": true, "suspects_held": true,
	"clients_asked": true, "lookups": true, "retransmissions": true, "absolute_times": true,

	"on_demand_noticed": true, "on_demand_suppressed": true, "on_demand_collapsed": true, "on_demand_lookups": true,
	"on_demand_found": true, "on_demand_denied": true, "on_demand_negatives": true, "udp_unasked": true,
	"on_demand_detector_src_unknown": true, "on_demand_detector_src_pending": true, "on_demand_detector_src_own": true,
	"on_demand_detector_src_first": true, "on_demand_detector_src_second": true, "on_demand_detector_src_asked": true,
	"on_demand_detector_dst_unknown": true, "on_demand_detector_dst_pending": true, "on_demand_detector_dst_asked": true,
	"on_demand_detector_reports": true, "on_demand_detector_reports_passed": true,
	"on_demand_detector_suppressed": true, "on_demand_detector_suppressions": true, "on_demand_detector_unsuppressed": true,

	"glean_received": true, "glean_interfaces": true, "glean_unknown_interface": true, "glean_egress": true,
	"glean_dhcpv4": true, "glean_not_dhcp": true, "glean_other_message": true, "glean_transit": true,
	"glean_solicits": true, "glean_opened": true, "glean_released": true, "glean_advertises": true,
	"glean_duplicates": true, "glean_empty": true, "glean_taught": true, "glean_refused": true,
	"glean_leases_held": true, "glean_leases_withdrawn": true, "glean_leases_released": true, "glean_leases_notified": true,
	"glean_leases_refused": true, "glean_no_addrs_avail": true, "glean_no_binding": true, "glean_no_prefix_avail": true,
	"glean_not_on_link": true, "glean_use_multicast": true, "glean_transactions_open": true, "glean_transactions_expired": true,
	"glean_questions": true, "glean_queue_full": true,
}

// meanings say what the other counters counted, in an operator's words.
var meanings = map[string]string{
	// What became of statements about leases.
	"observations_malformed": "statements about leases that could not be used",
	"conflicts":              "prefixes claimed for two clients; 'leaseroute explain PREFIX' tells who won",
	"conflicts_tied":         "of these: decided by rank, since both clients were heard at the same time",
	"claims_repelled":        "claims to a prefix, and releases of one, by others than its client, in vain: see the log, and 'leaseroute explain PREFIX'",
	"tombstone_holds":        "leases from before their own release, withdrawal or denial, ignored",
	"sequence_lockouts":      "sequence numbers too far ahead, ignored: check that server",
	"sequence_epoch_resets":  "servers whose sequence numbers began anew",
	"table_full":             "leases dropped: delegation.max_bindings is reached",
	"expired_on_arrival":     "leases that were over when they were reported",
	"bindings_withdrawn":     "leases that a server ended by a valid lifetime of zero",
	"bindings_doubted":       "leases that were doubted, or that nothing said where they are, and asked about",
	"bindings_denied":        "leases that a server no longer held when asked again",

	"releases_disputed": "releases that do not match the binding, such as by another client; the server is asked",

	// What was watched on the wire.
	"glean_kernel_dropped":       "packets lost before they were looked at: raise glean.buffer",
	"glean_truncated":            "packets too long to be DHCP",
	"glean_malformed_ip":         "packets with impossible IP lengths",
	"glean_fragments":            "fragments; the servers are asked about such leases by the next resync",
	"glean_malformed_udp":        "packets with impossible UDP lengths",
	"glean_bad_checksum":         "packets with a wrong checksum",
	"glean_malformed_relay":      "relay messages that can't be read",
	"glean_too_many_relays":      "messages through more relays than RFC 8415 allows",
	"glean_malformed_message":    "DHCP messages that can't be read",
	"glean_too_many_leases":      "messages with more leases than anybody has, ignored",
	"glean_misplaced":            "client messages on an interface that is no access interface",
	"glean_release_empty":        "releases that name no lease or no server; the server is asked",
	"glean_wrong_interface":      "server messages from an interface that is no core interface: forged",
	"glean_unknown_server":       "server messages from an address that is not one of servers",
	"glean_wrong_server_duid":    "messages from a server with another DUID than servers[].duid says",
	"glean_reconfigures":         "reconfigure messages, ignored",
	"glean_unmatched":            "replies whose request was not seen; the server is asked",
	"glean_wrong_port":           "replies for another port than the request came by, ignored",
	"glean_overtaken":            "replies that the client's own release overtook; the server is asked",
	"glean_no_rapid_commit":      "replies to a solicit without rapid commit, ignored",
	"glean_leases_malformed":     "leases on the wire skipped: malformed",
	"glean_lifetimes_crossed":    "leases on the wire skipped: preferred for longer than valid",
	"glean_unspec_fail":          "statuses UnspecFail in servers' replies to clients",
	"glean_other_status":         "other error statuses in servers' replies to clients",
	"glean_sequence_unusable":    "sequence number options of a wrong length, ignored",
	"glean_transactions_evicted": "exchanges forgotten early: more than glean.max_transactions at a time",
	"glean_questions_suppressed": "clients that were not asked about: too many at a time",

	// Routes.
	"bindings_repaired":                "routes put back after somebody took or changed them",
	"routes_taken":                     "routes of ours that went without our doing: with a link, or taken by somebody",
	"kernel_failures":                  "changes that could not be made to the kernel",
	"routes_refused_foreign":           "routes not made: somebody else has a route of this prefix",
	"routes_refused_connected":         "routes not made: the prefix overlaps one of our own links",
	"routes_refused_kernel":            "routes refused by the kernel; 'leaseroute explain PREFIX' has its words",
	"routes_refused_interface_down":    "routes not made: the interface is down",
	"routes_refused_interface_missing": "routes not made: the interface is not there",
	"monitor_overflows":                "times that the kernel dropped events; an audit followed",
	"route_acks_lost":                  "batches of routes whose answers were lost, and asked for again",

	// Connections.
	"connect_failures":      "connections that could not be made",
	"connect_timeouts":      "of these: no answer within connect_timeout",
	"source_waits":          "times that our source address was not there yet",
	"refusals":              "connections that a server accepted and closed at once",
	"write_timeouts":        "connections given up: the server took no data",
	"read_timeouts":         "connections given up: nothing came within data_timeout",
	"framing_errors":        "connections given up: a message of an impossible size",
	"illegal_types":         "connections given up: a message of a type that does not belong there",
	"data_before_reply":     "connections given up: data before the reply",
	"done_before_reply":     "connections given up: the end before the reply",
	"second_replies":        "connections given up: two replies to one query",
	"unknown_dones":         "connections given up: the end of a query that was not asked",
	"wrong_server":          "answers from another server than servers[].duid says",
	"query_timeouts":        "queries given up: no answer within data_timeout, though others had some",
	"broken_answers":        "answers that ended too early; what came was kept",
	"rounds_broken":         "rounds of queries that broke off and were tried again",
	"unspec_fail":           "queries that a server could not answer (UnspecFail)",
	"unknown_query_type":    "queries of a type that a server does not know (UnknownQueryType)",
	"malformed_query":       "queries that a server called malformed (MalformedQuery): see the log",
	"not_configured":        "queries about a link or address that a server does not know (NotConfigured)",
	"not_allowed":           "queries that a server does not allow (NotAllowed)",
	"query_terminated":      "queries that a server broke off (QueryTerminated)",
	"other_status":          "queries answered by another error status",
	"contradictory_replies": "replies with both an error and leases; the leases were ignored",

	"inquiries_dropped": "clients that were not asked about: too many waited",

	// Asked on demand.
	"on_demand_outside":                       "unknown addresses outside delegation.allowed, which are never asked about",
	"on_demand_shed_queue":                    "unknown addresses that were not looked at: too many waited",
	"on_demand_shed_outstanding":              "unknown addresses that were not asked about: on_demand.outstanding is reached",
	"on_demand_shed_interface":                "unknown addresses that were not asked about: on_demand.interface_rate is reached",
	"on_demand_shed_rate":                     "unknown addresses that were not asked about: on_demand.rate is reached",
	"on_demand_unrouted":                      "leases that were found on demand and have no route; 'leaseroute explain' tells why",
	"on_demand_unanswered":                    "lookups that no server answered",
	"on_demand_negatives_dropped":             "addresses that nobody holds, forgotten early: on_demand.max_negative is reached",
	"on_demand_detector_src_mac_limited":      "packets of unknown sources from senders that are over on_demand.mac_rate",
	"on_demand_detector_src_shed":             "packets of unknown sources that were not looked at: a rate is reached, and they did not come again",
	"on_demand_detector_dst_shed":             "packets to unknown destinations that were not looked at: on_demand.interface_rate is reached",
	"on_demand_detector_reports_lost":         "reports of unknown packets that the kernel could not hand over",
	"on_demand_detector_report_overruns":      "times that the kernel said so",
	"on_demand_detector_reports_malformed":    "reports of unknown packets that can't be read",
	"on_demand_detector_reports_refused":      "reports of packets that the rules should have left out",
	"on_demand_detector_reports_dropped":      "reports of unknown packets that nobody had room for",
	"on_demand_detector_suppressions_refused": "addresses that the kernel would not suppress, such as for want of room",
	"on_demand_detector_table_rewritten":      "times that somebody else changed our nftables table, and it was written again",
	"on_demand_suppress_failures":             "addresses that the kernel would not suppress, or suppresses too long",
	"udp_strangers":                           "answers over UDP from another address than the server's",
	"udp_runts":                               "datagrams that are too short for a message",
	"udp_floods":                              "more datagrams for one query than anyone needs",
	"udp_failures":                            "attempts to open the UDP port that failed, or its end",

	// Over UDP.
	"unanswered":           "lookups that were given up: no answer to five transmissions",
	"not_hammered":         "lookups that were not sent, since the server answers nothing over UDP",
	"client_links_dropped": "answers that name more than 64 links of one client",
	"client_link_loops":    "answers that name links instead of leases for a link",

	// Messages and what they hold.
	"malformed_messages":    "messages dropped: an option was cut off or too short",
	"queries_received":      "queries that a server sent to us, dropped",
	"no_server_id":          "replies without a server-id, dropped",
	"wrong_client_id":       "replies without our client-id, dropped",
	"unknown_transaction":   "messages for no query of ours, dropped",
	"empty_data":            "data messages without a lease, dropped",
	"status_in_data":        "data messages with an error status; the leases were used",
	"client_links":          "replies that listed other links, which was ignored",
	"malformed_client_data": "clients' entries skipped: malformed",
	"no_clt":                "clients' entries skipped: they do not say when the client was heard",
	"no_client_id":          "clients' entries skipped: no client-id",
	"no_lease":              "clients' entries skipped: no lease",
	"malformed_leases":      "leases skipped: malformed, such as a prefix length of 0 or above 128",
	"host_bits":             "prefixes with bits behind their length, which were cleared: check that server",
	"preferred_capped":      "preferred lifetimes above the valid one, cut to that",
	"relay_data_errors":     "relay data that could be read in part at most",
	"no_relay_data":         "leases that came without relay data",
	"withdrawn":             "leases reported with a valid lifetime of zero",
	"doubtful":              "leases whose client was heard longer ago than they last, asked about again",
	"suspects_denied":       "answers that nobody holds the lease asked about",
	"suspects_no_answer":    "questions about leases that a server could not answer",
}

// worthy returns the names of the counters to show, sorted.
func worthy(counters map[string]uint64) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(counters)), func(name string) bool {
		return counters[name] == 0 || ordinary[name]
	})
}

// printCounters shows what deserves an operator's attention, if anything does.
func printCounters(w io.Writer, title string, counters map[string]uint64) error {
	var rows [][]string
	for _, name := range worthy(counters) {
		rows = append(rows, []string{fmt.Sprint(counters[name]), name, dash(meanings[name])})
	}
	if rows == nil {
		return nil
	}
	fmt.Fprintln(w)
	return printTable(w, []string{"count", title, "which are"}, rows)
}
