package lqclient

import (
	"iter"
	"sync/atomic"
)

// Counters counts what one server's connections have seen since the start:
// whatever is dropped, skipped, closed or refused has a number of its own.
type Counters struct {
	// Connecting.
	Connects        uint64 // connections that were established
	ConnectFailures uint64 // attempts that failed, time-outs included
	ConnectTimeouts uint64 // R46: attempts given up after the connect time-out
	SourceWaits     uint64 // attempts put off because our source address was not there yet
	Refusals        uint64 // connections that the server accepted and closed before any answer

	// What became of queries.
	Queries              uint64 // queries sent
	Completed            uint64 // R56: queries answered in full
	EmptyAnswers         uint64 // of these: answers without a binding
	UnspecFail           uint64 // 3.6: queries answered with that status, and so on
	UnknownQueryType     uint64
	MalformedQuery       uint64
	NotConfigured        uint64
	NotAllowed           uint64
	QueryTerminated      uint64
	OtherStatus          uint64
	WrongServer          uint64 // answers from a server with another DUID than the configured one
	QueryTimeouts        uint64 // R49: queries without progress beside others that had some
	BrokenAnswers        uint64 // R55: queries whose answer ended before it was complete
	ContradictoryReplies uint64 // 3.8: error status together with OPTION_CLIENT_DATA; the data was ignored

	// Messages.
	Messages           uint64 // messages received
	MalformedMessages  uint64 // R33: dropped for an option that is truncated or too short
	QueriesReceived    uint64 // R18: LEASEQUERY received, dropped
	NoServerID         uint64 // R27: replies without OPTION_SERVERID, dropped
	WrongClientID      uint64 // R28: replies without our OPTION_CLIENTID, dropped
	UnknownTransaction uint64 // R29: REPLY or DATA for no outstanding query, dropped
	EmptyData          uint64 // 3.8: DATA without OPTION_CLIENT_DATA, dropped
	StatusInData       uint64 // 3.8: DATA with an error status; the data was used
	ClientLinks        uint64 // R58: replies with OPTION_LQ_CLIENT_LINK, which was ignored

	// Why connections ended.
	IdleCloses      uint64 // R54: closed by the server with nothing outstanding; no fault
	FramingErrors   uint64 // a message size below 4
	IllegalTypes    uint64 // R50: a message type that does not belong here
	DataBeforeReply uint64 // 3.8
	DoneBeforeReply uint64 // 3.8: DONE without error status before any REPLY
	SecondReplies   uint64 // 3.8
	UnknownDones    uint64 // 3.8: DONE for no outstanding query
	WriteTimeouts   uint64 // R47
	ReadTimeouts    uint64 // R48

	// OPTION_CLIENT_DATA.
	Bindings            uint64 // leases reported, all sources and statements together
	MalformedClientData uint64 // R33: skipped
	NoCLT               uint64 // R35: skipped, no OPTION_CLT_TIME
	NoClientID          uint64 // R36: skipped, no OPTION_CLIENTID or one that is no DUID
	NoLease             uint64 // R36: skipped, neither address nor prefix
	MalformedLeases     uint64 // R37: skipped, such as a prefix length of 0 or above 128
	HostBits            uint64 // R37: prefixes with bits behind their length, which were cleared
	PreferredCapped     uint64 // R37: preferred lifetime above the valid one, taken as equal
	RelayDataErrors     uint64 // relay data that could be read in part at most; the binding was kept
	NoRelayData         uint64 // bindings that came without relay data
	Withdrawn           uint64 // R88: leases with a valid lifetime of 0
	Doubtful            uint64 // leases whose CLT_TIME is not below their valid lifetime

	// Suspects.
	SuspectsAsked    uint64 // R60: questions by address about suspects
	SuspectsHeld     uint64 // answered: the lease is held
	SuspectsDenied   uint64 // answered: nobody holds it
	SuspectsNoAnswer uint64 // the server can't tell
	ClientsAsked     uint64 // questions by client-id
	InquiriesDropped uint64 // clients that were not asked about: too many waited

	// Over UDP.
	Lookups            uint64 // lookups begun
	Retransmissions    uint64 // R20: of queries that were not answered in time
	Unanswered         uint64 // R21: queries given up after the last transmission
	NotHammered        uint64 // lookups not sent, or not again: the server answers nothing, and is polled
	ClientLinksDropped uint64 // R40: answers that named more links than are asked about
	ClientLinkLoops    uint64 // R40: links named in answer to a question about a link
	AbsoluteTimes      uint64 // client data whose CLT_TIME was a date, not an age (PEERS.md 4)

	// Rounds.
	RoundsComplete uint64
	RoundsBroken   uint64
}

// counterFields gives each counter its name. The names are a promise to
// whoever reads status or metrics.
var counterFields = []struct {
	name  string
	field func(*Counters) *uint64
}{
	{"connects", func(c *Counters) *uint64 { return &c.Connects }},
	{"connect_failures", func(c *Counters) *uint64 { return &c.ConnectFailures }},
	{"connect_timeouts", func(c *Counters) *uint64 { return &c.ConnectTimeouts }},
	{"source_waits", func(c *Counters) *uint64 { return &c.SourceWaits }},
	{"refusals", func(c *Counters) *uint64 { return &c.Refusals }},
	{"queries", func(c *Counters) *uint64 { return &c.Queries }},
	{"completed", func(c *Counters) *uint64 { return &c.Completed }},
	{"empty_answers", func(c *Counters) *uint64 { return &c.EmptyAnswers }},
	{"unspec_fail", func(c *Counters) *uint64 { return &c.UnspecFail }},
	{"unknown_query_type", func(c *Counters) *uint64 { return &c.UnknownQueryType }},
	{"malformed_query", func(c *Counters) *uint64 { return &c.MalformedQuery }},
	{"not_configured", func(c *Counters) *uint64 { return &c.NotConfigured }},
	{"not_allowed", func(c *Counters) *uint64 { return &c.NotAllowed }},
	{"query_terminated", func(c *Counters) *uint64 { return &c.QueryTerminated }},
	{"other_status", func(c *Counters) *uint64 { return &c.OtherStatus }},
	{"wrong_server", func(c *Counters) *uint64 { return &c.WrongServer }},
	{"query_timeouts", func(c *Counters) *uint64 { return &c.QueryTimeouts }},
	{"broken_answers", func(c *Counters) *uint64 { return &c.BrokenAnswers }},
	{"contradictory_replies", func(c *Counters) *uint64 { return &c.ContradictoryReplies }},
	{"messages", func(c *Counters) *uint64 { return &c.Messages }},
	{"malformed_messages", func(c *Counters) *uint64 { return &c.MalformedMessages }},
	{"queries_received", func(c *Counters) *uint64 { return &c.QueriesReceived }},
	{"no_server_id", func(c *Counters) *uint64 { return &c.NoServerID }},
	{"wrong_client_id", func(c *Counters) *uint64 { return &c.WrongClientID }},
	{"unknown_transaction", func(c *Counters) *uint64 { return &c.UnknownTransaction }},
	{"empty_data", func(c *Counters) *uint64 { return &c.EmptyData }},
	{"status_in_data", func(c *Counters) *uint64 { return &c.StatusInData }},
	{"client_links", func(c *Counters) *uint64 { return &c.ClientLinks }},
	{"idle_closes", func(c *Counters) *uint64 { return &c.IdleCloses }},
	{"framing_errors", func(c *Counters) *uint64 { return &c.FramingErrors }},
	{"illegal_types", func(c *Counters) *uint64 { return &c.IllegalTypes }},
	{"data_before_reply", func(c *Counters) *uint64 { return &c.DataBeforeReply }},
	{"done_before_reply", func(c *Counters) *uint64 { return &c.DoneBeforeReply }},
	{"second_replies", func(c *Counters) *uint64 { return &c.SecondReplies }},
	{"unknown_dones", func(c *Counters) *uint64 { return &c.UnknownDones }},
	{"write_timeouts", func(c *Counters) *uint64 { return &c.WriteTimeouts }},
	{"read_timeouts", func(c *Counters) *uint64 { return &c.ReadTimeouts }},
	{"bindings", func(c *Counters) *uint64 { return &c.Bindings }},
	{"malformed_client_data", func(c *Counters) *uint64 { return &c.MalformedClientData }},
	{"no_clt", func(c *Counters) *uint64 { return &c.NoCLT }},
	{"no_client_id", func(c *Counters) *uint64 { return &c.NoClientID }},
	{"no_lease", func(c *Counters) *uint64 { return &c.NoLease }},
	{"malformed_leases", func(c *Counters) *uint64 { return &c.MalformedLeases }},
	{"host_bits", func(c *Counters) *uint64 { return &c.HostBits }},
	{"preferred_capped", func(c *Counters) *uint64 { return &c.PreferredCapped }},
	{"relay_data_errors", func(c *Counters) *uint64 { return &c.RelayDataErrors }},
	{"no_relay_data", func(c *Counters) *uint64 { return &c.NoRelayData }},
	{"withdrawn", func(c *Counters) *uint64 { return &c.Withdrawn }},
	{"doubtful", func(c *Counters) *uint64 { return &c.Doubtful }},
	{"suspects_asked", func(c *Counters) *uint64 { return &c.SuspectsAsked }},
	{"suspects_held", func(c *Counters) *uint64 { return &c.SuspectsHeld }},
	{"suspects_denied", func(c *Counters) *uint64 { return &c.SuspectsDenied }},
	{"suspects_no_answer", func(c *Counters) *uint64 { return &c.SuspectsNoAnswer }},
	{"clients_asked", func(c *Counters) *uint64 { return &c.ClientsAsked }},
	{"inquiries_dropped", func(c *Counters) *uint64 { return &c.InquiriesDropped }},
	{"lookups", func(c *Counters) *uint64 { return &c.Lookups }},
	{"retransmissions", func(c *Counters) *uint64 { return &c.Retransmissions }},
	{"unanswered", func(c *Counters) *uint64 { return &c.Unanswered }},
	{"not_hammered", func(c *Counters) *uint64 { return &c.NotHammered }},
	{"client_links_dropped", func(c *Counters) *uint64 { return &c.ClientLinksDropped }},
	{"client_link_loops", func(c *Counters) *uint64 { return &c.ClientLinkLoops }},
	{"absolute_times", func(c *Counters) *uint64 { return &c.AbsoluteTimes }},
	{"rounds_complete", func(c *Counters) *uint64 { return &c.RoundsComplete }},
	{"rounds_broken", func(c *Counters) *uint64 { return &c.RoundsBroken }},
}

// All yields every counter with its name, in a fixed order.
func (c Counters) All() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for _, f := range counterFields {
			if !yield(f.name, *f.field(&c)) {
				return
			}
		}
	}
}

// count adds one to a counter that other goroutines may read meanwhile.
func count(field *uint64) { atomic.AddUint64(field, 1) }

// snapshot returns the values of counters that others go on counting.
func (c *Counters) snapshot() Counters {
	var s Counters
	for _, f := range counterFields {
		*f.field(&s) = atomic.LoadUint64(f.field(c))
	}
	return s
}
