package lqserver

import "time"

// DatagramFaults are the faults that only UDP has.
type DatagramFaults struct {
	// Strikes: only the first so many transmissions of each transaction see any
	// fault. 0: all do.
	Strikes int

	// Queries that get no answer.
	LoseEvery int           // each so many-th
	LoseFirst int           // the first so many transmissions of each transaction
	Dead      bool          // all
	Flap      time.Duration // all for so long, none for so long, in turn; 0: off

	// The way of an answer.
	Delay      time.Duration // it comes so much later, as it was made at first
	Copies     int           // it is sent so often; 0: once
	Elsewhere  bool          // it comes from Options.Elsewhere; without that it is lost
	ClientPort bool          // it goes to port 546 of the source (S15)
	Instead    Instead       // what is sent in its place

	// The links in an answer (S17).
	Links     int      // so many to every query by client-id with "::", the true ones first; 0: off
	OddLinks  OddLinks // what stands among them
	LinkData  bool     // CLIENT_DATA beside them
	LinkAgain bool     // Links strikes every query, one that names a link too
}

// Instead is a datagram in the place of an answer.
type Instead uint8

// The datagrams in the place of an answer.
const (
	InsteadNothing   Instead = iota // the answer itself
	InsteadTruncated                // its first half
	InsteadNoise                    // its header, and options that are noise
	InsteadGarbage                  // 64 octets of noise
	InsteadQuery                    // the same as a LEASEQUERY
	InsteadHuge                     // the answer, made 65,000 octets long by an option that nobody knows
)

// OddLinks is a set of link-addresses that a requestor should skip.
type OddLinks uint8

// The odd link-addresses.
const (
	LinkUnspecified OddLinks = 1 << iota // "::", ahead of the others
	LinkRepeated                         // each one a second time
)
