//go:build linux

package e2e

import "leaseroute/test/lqserver"

// orderFaults are about which messages come, and in which order.
func orderFaults() []fault {
	broken := func(name, knob, counter, error string, struck func(int) bool) fault {
		return fault{
			name: name, knobs: []string{knob}, breaks: true, error: error, struck: struck,
			counters: map[string]uint64{counter: 1},
		}
	}
	noRelayID := func(p *lqserver.Plan) {
		for i := range p.Links {
			p.Links[i].RelayID = nil
		}
	}
	foreign := broken("C126 another server than the configured one", "server-id=wrong", "wrong_server", "the server's DUID is .* but the configuration says", nobody)
	foreign.config = []string{`duid: "000300010200000000ff"`}
	silent := broken("R56 C57 no DONE", "no-done", "read_timeouts", "incomplete after 20 messages: .*nothing came for 1s", nil)
	silent.config = []string{"data_timeout: 1s"}
	return []fault{
		broken("R29 C63 C64 a REPLY to nobody's query", "wrong-id=reply", "unknown_transaction", "DATA before the REPLY", nobody),
		{
			name: "R29 C63 DATA for nobody's query", knobs: []string{"wrong-id=data"}, struck: first(1),
			breaks: true, error: "incomplete after 1 messages: the server also sent messages with bindings for no query of ours: 19",
			counters: map[string]uint64{"unknown_transaction": clients - 1},
		},
		broken("R29 C61 DONE for nobody's query", "wrong-id=done", "unknown_dones", "DONE for no outstanding query", nil),
		broken("C64 DATA before the REPLY", "data-first", "data_before_reply", "DATA before the REPLY", nobody),
		broken("C65 a second REPLY", "second-reply=5", "second_replies", "a second REPLY", first(5)),
		broken("R50 C73 a message of an unknown type", "unknown-type=5", "illegal_types", "message of type 99", first(5)),
		silent,
		{
			name: "C61 DONE twice", knobs: []string{"double-done"}, config: []string{"query_all: true"},
			counters: map[string]uint64{"unknown_dones": 1},
		},
		{
			name: "C62 DONE after an empty REPLY", knobs: []string{"done-after-empty"}, plan: noRelayID,
			counters: map[string]uint64{"unknown_dones": 1, "empty_answers": 1},
		},
		foreign,
		broken("R27 no server-id", "server-id=missing", "no_server_id", "DATA before the REPLY", nobody),
		broken("R28 another client-id", "client-id=wrong", "wrong_client_id", "DATA before the REPLY", nobody),
		broken("R28 no client-id", "client-id=missing", "wrong_client_id", "DATA before the REPLY", nobody),
		broken("R55 C66 broken off by the server", "terminate=5", "query_terminated", "incomplete after 5 messages: server says QueryTerminated", first(5)),
		{
			name: "R55 broken off by the server for another reason", knobs: []string{"terminate=5", "terminate-code=UnspecFail"},
			breaks: true, error: "incomplete after 5 messages: server says UnspecFail", struck: first(5),
			counters: map[string]uint64{"unspec_fail": 1},
		},
	}
}

// statusFaults are the error statuses (table 3.6). Some say that this query is
// of no use and the next kind may be, the others that the server is in
// trouble.
func statusFaults() []fault {
	var list []fault
	movesOn := func(name, status, counter string) {
		list = append(list, fault{
			name: name, knobs: []string{"status=relay-id:" + status},
			counters: map[string]uint64{counter: 1, "completed": 2},
		})
	}
	movesOn("R44 C44 a kind of query that the server does not know", "UnknownQueryType", "unknown_query_type")
	movesOn("R44 C45 a query that the server calls malformed", "MalformedQuery", "malformed_query")
	movesOn("R44 C46 a link that the server does not know", "NotConfigured", "not_configured")
	movesOn("R44 C46 a kind of query that is not allowed", "NotAllowed", "not_allowed")
	for status, counter := range map[string]string{
		"UnspecFail": "unspec_fail", "QueryTerminated": "query_terminated", "NotSupported": "other_status", "4711": "other_status",
	} {
		list = append(list, fault{
			name: "R44 tries again after " + status, knobs: []string{"status=relay-id:" + status},
			breaks: true, error: "server says", struck: nobody,
			counters: map[string]uint64{counter: 1},
		})
	}
	return list
}

// sequenceFaults are about the server's sequence numbers. Those of one answer
// decide nothing: each is about another prefix (R80).
func sequenceFaults() []fault {
	numbered := lqserver.Options{SequenceOption: sequenceOption, SequenceInData: true}
	config := []string{"sequence_number_option: 65001"}
	var list []fault
	for knob, name := range map[string]string{
		"sequence=omit":   "R76 C97 no sequence numbers",
		"sequence=repeat": "R76 the same sequence number again and again",
		"sequence=step":   "R80 C96 sequence numbers with gaps",
		"sequence=reset":  "R85 sequence numbers that begin anew with each connection",
	} {
		list = append(list, fault{name: name, knobs: []string{knob}, server: numbered, config: config})
	}
	return append(list,
		fault{
			name: "R86 short sequence numbers", knobs: []string{"sequence-octets=4"}, server: numbered, config: config,
		},
		fault{
			name: "R84 C99 sequence numbers that leap", knobs: []string{"sequence=jump"}, server: numbered, config: config,
			counters: map[string]uint64{"sequence_lockouts": clients - 2},
		})
}
