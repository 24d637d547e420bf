package lqserver

import (
	"reflect"
	"time"

	"github.com/insomniacslk/dhcp/iana"
)

// Faults are the rules that the server breaks. The zero value breaks none,
// and any of them can be combined. Knobs has the same list in the words of
// the command line.
//
// A fault with a *int strikes once in each answer, when so many of its
// messages have been sent: the REPLY is the first, and 0 is before it. nil
// means never. Faults of a binding strike every Every-th one.
//
// Over UDP an answer is one REPLY: only the message's own options, the bindings,
// WrongID, Status, a Hold before the first message, and the faults of UDP
// strike there.
type Faults struct {
	// Times: only the first Times connections, and the first Times transactions
	// over UDP, see any fault. 0: all do.
	Times int
	// Over: only answers over this transport see any fault.
	Over Transport

	// The connection.
	Refuse        bool // reset as soon as it is accepted
	CloseOnAccept bool // closed as soon as it is accepted
	CloseIdle     bool // closed when an answer is complete and no query waits
	DropPipelined bool // queries that came along with another one are lost

	// The stream.
	Cut          *int          // close (FIN)
	Reset        *int          // close (RST)
	Half         *int          // half of the next message, then close
	Stall        *int          // nothing more for StallFor
	StallFor     time.Duration // 0: until the server or the requestor ends
	Hold         *Hold         // nothing more until told to go on; nil: none
	Trickle      int           // so many octets at a time, with TricklePause between; 0: off
	TricklePause time.Duration
	Garbage      *int // a frame of noise
	Noise        *int // a LEASEQUERY-DATA of the query whose options are noise
	ShortFrame   *int // a frame with message-size 3
	EmptyFrame   *int // a frame with message-size 0
	HugeFrame    *int // the next message is 65,535 octets long, by an option that nobody knows

	// The order of messages.
	WrongID        Messages                      // these have the wrong transaction-id
	DataFirst      bool                          // a LEASEQUERY-DATA before the REPLY
	SecondReply    *int                          // the next message is a REPLY, whatever it should be
	UnknownType    *int                          // the next message has type 99
	NoDone         bool                          // the LEASEQUERY-DONE is missing
	DoubleDone     bool                          // it is sent twice
	DoneAfterEmpty bool                          // it follows even an empty REPLY
	Terminate      *int                          // LEASEQUERY-DONE with TerminateCode, then close
	TerminateCode  iana.StatusCode               // 0: QueryTerminated
	Status         map[QueryType]iana.StatusCode // an error REPLY to these queries; never changed once given

	// The message's own options.
	ServerID       Damage
	ClientID       Damage
	Sequence       SequenceFault
	SequenceOctets int // 4: the short form; 0: 8

	// The bindings.
	Every               int           // which bindings are struck; 0: each one
	Duplicate           bool          // sent a second time
	Contradict          Contradiction // followed by the same lease for another client
	Lack                Parts         // these are missing in CLIENT_DATA
	PrefixLength        *uint8        // instead of the true one; nil: the true one
	HostBits            bool          // a bit is set behind the prefix length
	TruncatedOption     bool          // the last option in CLIENT_DATA is longer than that
	RelayData           Damage        // Wrong: the nested message is longer than its option
	ZeroValid           bool          // both lifetimes are zero
	PreferredAboveValid bool          // the preferred lifetime is 0xfffffffa
	// Stale: answers by relay-id and remote-id hold inactive leases too, once
	// so many leases were sent, as those of Kea from the second page on: with
	// lifetimes as granted. By address such a lease is denied. 0: never.
	Stale int

	UDP DatagramFaults
}

// none reports whether f breaks nothing, so that the fast path may be taken.
func (f *Faults) none() bool {
	return reflect.ValueOf(f).Elem().IsZero()
}

// at reports whether a fault strikes after n messages.
func at(fault *int, n int) bool { return fault != nil && *fault == n }

// Transport is what a query comes in over.
type Transport uint8

// The transports.
const (
	OverBoth Transport = iota
	OverTCP
	OverUDP
)

// Messages is a set of message types.
type Messages uint8

// The message types of an answer.
const (
	Replies Messages = 1 << iota
	Data
	Dones
)

// Damage is what happens to something that should be there.
type Damage uint8

// The damages.
const (
	Intact Damage = iota
	Wrong
	Missing
)

// SequenceFault is what is wrong with the server's sequence numbers (S16).
type SequenceFault uint8

// The faults of sequence numbers.
const (
	SequenceIntact SequenceFault = iota
	SequenceOmit                 // no option
	SequenceRepeat               // always 1
	SequenceStep                 // steps of 1,000
	SequenceJump                 // steps of 2^40
	SequenceReset                // from 1 again with each connection
)

// Contradiction is a second lease of the same prefix.
type Contradiction uint8

// The contradictions.
const (
	NoContradiction Contradiction = iota
	Newer                         // the other client was heard just now
	Older                         // the other client was heard an hour earlier
)

// Parts is a set of the options that CLIENT_DATA must hold (S9).
type Parts uint8

// The parts.
const (
	PartCLT Parts = 1 << iota
	PartClientID
	PartLease
)
