package lqserver

// A Manner is how a server differs from the RFCs in its ordinary work. The
// zero Manner is that of the RFCs.
type Manner struct {
	// PerLease: one CLIENT_DATA for each lease. Else one holds all leases of
	// a client on a link (S35).
	PerLease bool
	// ExplicitStatus: a REPLY always has a status, and an empty one says why
	// it is. Else Success is said by leaving it out (S24).
	ExplicitStatus bool
	// AlwaysRelayData: relay data comes whether asked for or not (S11).
	AlwaysRelayData bool
	// CloseOnInvalid: where S1 drops a query, the connection is closed.
	CloseOnInvalid bool
	// QuietStop: a server that stops closes in mid-answer without saying
	// QueryTerminated (S26).
	QuietStop bool
	// LostInfinity: what is left of an infinite lifetime is 0xffffffff less
	// the elapsed time.
	LostInfinity bool
	// StoredPreferred: a preferred lifetime that has run out is reported as
	// it was granted.
	StoredPreferred bool
}

// Kea is the manner of Kea 3.0. Its faults are KeaFaults.
func Kea() Manner {
	return Manner{
		PerLease:        true,
		ExplicitStatus:  true,
		AlwaysRelayData: true,
		CloseOnInvalid:  true,
		QuietStop:       true,
		LostInfinity:    true,
		StoredPreferred: true,
	}
}

// KeaFaults are the faults of Kea 3.0: inactive leases from the second page
// of an answer on, and queries lost that come before their turn.
func KeaFaults() Faults {
	return Faults{Stale: 100, DropPipelined: true}
}
