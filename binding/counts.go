package binding

// Counts are the table's numbers. The arrays are indexed by State, Source, Op
// and Reason.
type Counts struct {
	// What is there now.
	Bindings   int
	States     [states]int
	Sources    [FromGlean + 1]int
	Refused    [reasons]int // why bindings have no route
	Suspects   int          // in doubt, with a route or without
	Clients    int          // DUIDs that bindings or the history name
	Tombstones int
	Obstructed int // refused by something that Retry may lift

	// What has happened since the start.
	Observations     [FromGlean + 1]uint64
	Changes          [Withdraw + 1]uint64
	Malformed        uint64 // observations that can't be used
	Merged           uint64 // reports of an exchange that was known (R78)
	Conflicts        uint64 // verdicts between different clients
	Ties             uint64 // those of them that R79 decided
	Repelled         uint64 // claims and Releases by others, which did not take the lease from its client
	TombstoneHolds   uint64 // statements that R89 kept out
	Lockouts         uint64 // sequence numbers too far ahead (R84): an alarm
	EpochResets      uint64 // servers whose numbers began anew (R85)
	TableFull        uint64 // statements and routes for which there was no room
	ExpiredOnArrival uint64
	Expired          uint64
	Withdrawn        uint64
	Released         uint64
	ReleasesDisputed uint64 // Releases that did not match the binding
	Denied           uint64
	Cleared          uint64 // by the operator
	Doubts           uint64 // times that a binding came to be asked about: begun and renewed
	Failures         uint64 // changes that the kernel refused
	Repaired         uint64 // changes that put right what others did
}

// Counts returns the numbers. It costs nothing.
func (t *Table) Counts() Counts {
	c := t.counts
	c.States[0], c.Refused[NoReason] = 0, 0
	c.Clients = t.clients.live
	c.Tombstones = len(t.tombstones.byKey)
	c.Obstructed = len(t.obstructed)
	return c
}
