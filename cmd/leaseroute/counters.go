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
}

// meanings say what the other counters counted, in an operator's words.
var meanings = map[string]string{
	// What became of statements about leases.
	"observations_malformed": "statements about leases that could not be used",
	"conflicts":              "prefixes claimed for two clients; 'leaseroute explain PREFIX' tells who won",
	"conflicts_tied":         "of these: decided by rank, since both clients were heard at the same time",
	"tombstone_holds":        "leases from before their own release, withdrawal or denial, ignored",
	"sequence_lockouts":      "sequence numbers too far ahead, ignored: check that server",
	"sequence_epoch_resets":  "servers whose sequence numbers began anew",
	"table_full":             "leases dropped: delegation.max_bindings is reached",
	"expired_on_arrival":     "leases that were over when they were reported",
	"bindings_withdrawn":     "leases that a server ended by a valid lifetime of zero",
	"bindings_denied":        "leases that a server no longer held when asked again",

	// Routes.
	"bindings_repaired":                "routes put right after somebody else changed them",
	"routes_taken":                     "times that somebody else took or changed a route of ours",
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
