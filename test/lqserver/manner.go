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

	// UnknownBulk: over UDP the query types of bulk leasequery are unknown.
	// Else they are NotAllowed there (S19).
	UnknownBulk bool
	// RelayDataOutside: over UDP relay data stands beside CLIENT_DATA, not in
	// it.
	RelayDataOutside bool
	// AddressesOnly: there is no bulk leasequery, and no Listener may be given.
	// Over UDP only leases of addresses are told, one at a time, and only by
	// address; a link-address in the query is ignored.
	AddressesOnly bool
	// DropAddressed: a query with any SERVERID is dropped, be it ours (S1).
	DropAddressed bool
	// ClientPort: UDP answers go to port 546 of the source. Else they go to the
	// port that the query came from (S15).
	ClientPort bool
	// NoRelayData: relay data never comes (S11).
	NoRelayData bool
	// AbsoluteTimes: CLT_TIME is the Unix time of the last transaction, and
	// lifetimes are as they were granted (against S12).
	AbsoluteTimes bool
	// DataAhead: CLIENT_DATA is the first option of a REPLY, not the last.
	DataAhead bool
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

		UnknownBulk:      true,
		RelayDataOutside: true,
	}
}

// KeaFaults are the faults of Kea 3.0: inactive leases from the second page
// of an answer on, and queries lost that come before their turn.
func KeaFaults() Faults {
	return Faults{Stale: 100, DropPipelined: true}
}

// Dhcpd is the manner of ISC dhcpd 4.4, which has leasequery over UDP alone.
func Dhcpd() Manner {
	return Manner{
		PerLease:      true,
		AddressesOnly: true,
		DropAddressed: true,
		ClientPort:    true,
		NoRelayData:   true,
		AbsoluteTimes: true,
		DataAhead:     true,
	}
}
