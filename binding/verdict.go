package binding

const reasons = int(TableFull) + 1

// verdicts are what each reason is called, and the rule that it follows.
var verdicts = [reasons]struct{ words, rule string }{
	NoReason: {"none", ""},

	FirstHeard:     {"first word about this lease", "R70"},
	NewerSequence:  {"newer sequence number of the same server", "R76"},
	OlderSequence:  {"older sequence number of the same server", "R76"},
	LaterCLT:       {"the client spoke to its server later", "R77"},
	EarlierCLT:     {"the client spoke to its server earlier", "R77"},
	SameExchange:   {"another report of the same exchange", "R78"},
	HigherRank:     {"tie, from the better source", "R79"},
	LowerRank:      {"tie, from the lesser source", "R79"},
	EarlierServer:  {"tie, from the server configured first", "R79"},
	LaterServer:    {"tie, from a server configured later", "R79"},
	LowerDUID:      {"tie, lower DUID", "R79"},
	HigherDUID:     {"tie, higher DUID", "R79"},
	TombstoneHolds: {"older than the end of the lease", "R89"},

	Expired:         {"valid lifetime has run out", "R73"},
	ZeroLifetime:    {"server reports a valid lifetime of zero", "R88"},
	ReleasedByOwner: {"released by its client", "R89"},
	DeniedByServer:  {"server says that nobody holds it", "R42"},
	ClearedByHand:   {"cleared by the operator", "O-2"},

	OutsideAllowed:   {"outside delegation.allowed", "R37"},
	LengthNotAllowed: {"length outside delegation.lengths", "R37"},
	ClientLimit:      {"client has its maximum of prefixes", "G-5"},
	PortLimit:        {"interface has its maximum of prefixes", "G-6"},
	NoNextHop:        {"nothing says where the client is", "R90"},
	HeldBack:         {"doubtful, held back until it is confirmed", ""},
	KeptOnly:         {"addresses are not installed", ""},
	ForeignRoute:     {"someone else has a route of this prefix", ""},
	ConnectedOverlap: {"overlaps a connected prefix", ""},
	KernelRefused:    {"refused by the kernel", ""},
	InterfaceDown:    {"interface is down", "S-2"},
	InterfaceMissing: {"interface is missing", "S-2"},

	LifetimePassed:  {"client last spoke longer ago than the lease lasts", ""},
	AbsentFromRun:   {"not mentioned by a complete bulk run", "R60"},
	ClockBehind:     {"from a state file of the future", "R131"},
	ClientDisputed:  {"a server names another client", "R79"},
	Overlapping:     {"overlaps the prefix of another client", ""},
	Expiring:        {"close to its end, and no renewal was seen", ""},
	ReleaseDisputed: {"released by somebody who does not match the binding", "G-9"},

	Adopted:   {"found in the kernel at start", "R91"},
	Repaired:  {"someone took or changed our route", ""},
	TableFull: {"the table is full", ""},
}

// String says the reason in an operator's words.
func (r Reason) String() string {
	if int(r) < reasons {
		return verdicts[r].words
	}
	return "unknown"
}

// Rule is the rule of PROTOCOL.md (R..) or the requirement of RFC 8987 (G-..,
// S-.., O-..) that the reason follows; "" if there is none.
func (r Reason) Rule() string {
	if int(r) < reasons {
		return verdicts[r].rule
	}
	return ""
}
