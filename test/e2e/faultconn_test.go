//go:build linux

package e2e

import (
	"fmt"
	"strings"
)

// refusedText tells both causes of a connection that is closed at once
// (PEERS.md 2, fact 12).
const refusedText = "not among those that it lets ask, or it has reached its limit of connections"

// connectionFaults are about whole connections.
func connectionFaults() []fault {
	return []fault{
		{
			name: "R46 reset as soon as it is accepted", knobs: []string{"refuse"},
			breaks: true, error: refusedText, struck: nobody,
		},
		{
			name: "R46 accepted and closed", knobs: []string{"close-on-accept"},
			breaks: true, error: refusedText, struck: nobody,
			counters: map[string]uint64{"refusals": 1},
		},
		{
			name: "R54 C68 closed between queries", knobs: []string{"close-idle"},
			config: []string{"query_all: true"}, counters: map[string]uint64{"connects": 2},
		},
		{
			name: "R51 queries lost that come together", knobs: []string{"drop-pipelined"},
			config: []string{"data_timeout: 1s", "concurrent_queries: 20", "queries: [remote-id]"}, lines: []string{remoteIDs()},
			breaks: true, error: "nothing came .* concurrent_queries", loose: true,
			counters: map[string]uint64{"rounds_broken": 1},
		},
	}
}

// streamFaults are about the octets of an answer.
func streamFaults() []fault {
	const after = 5
	broken := func(f fault, counter, error string) fault {
		f.breaks, f.error, f.struck = true, error, first(after)
		f.counters = map[string]uint64{counter: 1}
		return f
	}
	lost := broken(fault{name: "R55 reset in mid-answer", knobs: []string{"reset=5"}}, "broken_answers", "incomplete after .*reset")
	lost.loose = true
	return []fault{
		broken(fault{name: "R55 C67 C76 the end in mid-answer", knobs: []string{"cut=5"}}, "broken_answers", "incomplete after 5 messages: .*EOF"),
		broken(fault{name: "R55 the end in mid-message", knobs: []string{"half=5"}}, "broken_answers", "incomplete after 5 messages: .*EOF"),
		lost,
		broken(fault{name: "R48 C52 silence", knobs: []string{"stall=5"}, config: []string{"data_timeout: 1s"}}, "read_timeouts", "incomplete after 5 messages: .*nothing came for 1s"),
		broken(fault{name: "R50 noise instead of a message", knobs: []string{"garbage=5"}}, "illegal_types", "message of type 165"),
		broken(fault{name: "R55 a frame of 3 octets", knobs: []string{"short-frame=5"}}, "framing_errors", "protocol error: frame of 3 octets"),
		broken(fault{name: "R55 a frame of 0 octets", knobs: []string{"empty-frame=5"}}, "framing_errors", "protocol error: frame of 0 octets"),
		{name: "R48 a pause shorter than the time-out", knobs: []string{"stall=5", "stall-for=200ms"}},
		{name: "R48 octet by octet", knobs: []string{"trickle=1"}},
		{name: "R48 a few octets at a time", knobs: []string{"trickle=100", "trickle-pause=1ms"}},
		{
			name: "R33 a message whose options are noise", knobs: []string{"noise=5"},
			counters: map[string]uint64{"malformed_messages": 1},
		},
		{name: "R33 a message of 65535 octets", knobs: []string{"huge-frame=5"}},
	}
}

// remoteIDs is the configuration's list of all clients' remote-ids.
func remoteIDs() string {
	var ids []string
	for i := range clients {
		ids = append(ids, fmt.Sprintf("\"32473:sub-%08d\"", i))
	}
	return "remote_ids: [" + strings.Join(ids, ", ") + "]"
}
