package binding

import (
	"net/netip"
	"time"
)

// Kind tells what a lease is for.
type Kind uint8

// The kinds of leases.
const (
	DelegatedPrefix Kind = iota // IA_PD: a prefix behind the client
	Address                     // IA_NA, or a DHCPv4 lease: the client's own address
)

// A Key names one lease: two statements are about the same lease if and only
// if their keys are equal (PROTOCOL.md 3.10, "Binding key"). The address
// family is that of the prefix. Prefix is valid, canonical (Masked) and never
// of length 0; an Address has a prefix of full length.
type Key struct {
	Kind   Kind
	Prefix netip.Prefix
}

// Source is the way by which a statement reached us. The order is the rank
// that breaks ties between different clients (R79): later ones win.
type Source uint8

// The sources, lowest rank first.
const (
	FromKernel Source = iota // a route of ours, found in the kernel at start
	FromState                // the state file (R131)
	FromBulk                 // bulk leasequery over TCP
	FromLookup               // a query by address or by client-id
	FromNotify               // the assignment notification option
	FromActive               // active leasequery
	FromGlean                // a relayed message that we watched
)

// Server is the number of a configured DHCP server: 1 for the first in the
// configuration, and so on (R79 prefers the lower). 0 means no server.
type Server uint16

// MaxServers is the largest Server: a bit set of them fits a word.
const MaxServers = 63

// Interface is the number of an interface, given out by whoever resolves next
// hops (routes.Links) and never reused for another name. 0 means unknown.
type Interface uint32

// Statement is what an observation says of its lease.
type Statement uint8

// The statements.
const (
	// Held: the client holds the lease until ValidUntil.
	Held Statement = iota
	// Withdrawn: the server reports a valid lifetime of zero (R88).
	Withdrawn
	// Released: the client gave the lease back, and we saw it (R89).
	Released
	// Denied: a server that was asked about this lease answered that nobody
	// holds it (R42). CLT is the instant at which the question was sent.
	Denied
	// NoAnswer: a server that was asked about this lease can't tell (an
	// error status, such as NotConfigured). It proves nothing and only ends
	// the question.
	NoAnswer
)

// An Exchange says of which message of the client a gleaned statement came.
type Exchange uint8

// The exchanges, in the words of RFC 8415.
const (
	NoExchange     Exchange = iota // not gleaned
	ReplyToSolicit                 // with rapid commit
	ReplyToRequest
	ReplyToRenew
	ReplyToRebind
	OnRelease // the Release itself
)

// An Observation is one source's statement about one lease at one instant.
//
// The byte slices may alias a buffer that the sender uses again once
// Table.Apply has returned: the table copies what it keeps.
type Observation struct {
	Key       Key
	Statement Statement
	Source    Source
	Server    Server
	Exchange  Exchange // it tells an operator which packet taught this, and decides nothing

	// Client is the client's DUID, 3 to 130 octets, compared as opaque bytes.
	// It may be empty for FromKernel, Denied and NoAnswer.
	Client []byte
	// ServerDUID is what the server calls itself; nil if unknown.
	ServerDUID []byte
	// IAID is meaningful only with HasIAID: leasequery carries none.
	IAID    uint32
	HasIAID bool

	// Sequence is the server's sequence number for this statement, only with
	// HasSequence (R76 to R86). Sequence32 marks the 4-octet form, which
	// compares by serial number arithmetic.
	Sequence    uint64
	HasSequence bool
	Sequence32  bool

	// Received is when the message left the socket (R72), CLT when the client
	// last dealt with the server: Received minus the elapsed time (R71). Both
	// carry a monotonic clock reading.
	Received time.Time
	CLT      time.Time
	// ValidUntil and PreferredUntil are instants; Forever if infinite (R73).
	ValidUntil     time.Time
	PreferredUntil time.Time

	// Interface and NextHop say where the client is (DESIGN.md 4): zero if
	// the statement does not tell. NextHop may be invalid while Interface is
	// set: a point-to-point interface needs none.
	Interface Interface
	NextHop   netip.Addr

	// Doubtful marks a lease whose client last spoke longer ago than the
	// valid lifetime that came with it: real servers report expired leases
	// like that (PEERS.md 2, fact 2). It is asked about.
	Doubtful bool
}

// Forever is the ValidUntil of a lease that never expires.
var Forever = time.Unix(1<<62, 0)

// A Mark in a Batch says where a server's round of queries begins and ends.
// Marks travel with the observations, so that their order can't be lost.
type Mark uint8

// The marks.
const (
	NoMark          Mark = iota
	RoundBegins          // before the first observation of the round
	RoundComplete        // every query of the round was answered in full
	RoundIncomplete      // the round broke off: it proves no absence (R60)
)

// A Batch is a run of observations from one server or source, in the order
// in which they were received, then an optional mark. It is made with
// NewBatch, handed on with ownership, and given back with Free by whoever
// applied it.
type Batch struct {
	Observations []Observation
	Mark         Mark
	Server       Server    // whose mark it is
	Scope        Interface // of the mark: 0 means all leases of the server, else only those on this interface
	At           time.Time // of the mark

	arena []byte
}

// A Relay is one relay agent that a client's message passed, in words that
// need no DHCP: what its Relay-forward header said.
type Relay struct {
	Link        netip.Addr // link-address; "::" if the relay gave none
	Peer        netip.Addr // peer-address
	InterfaceID []byte     // nil if absent
	RelayID     []byte     // nil if absent
	RemoteID    []byte     // enterprise number and opaque value; nil if absent
}

// Op is what must happen in the kernel.
type Op uint8

// The operations.
const (
	Install  Op = iota // a route that the kernel is not known to have
	Move               // another next hop or interface for a route that is ours: one replace
	Refresh            // the same route with another expiry
	Withdraw           // take the route out
)

// Ref names a record of the table for as long as Version is unchanged.
type Ref uint32

// A Change is one step that takes the kernel to what the table holds. It is
// complete in itself: the installer needs nothing else. A Withdraw has no next
// hop, interface and lifetime: it takes out our route to the prefix, whichever
// it is.
type Change struct {
	Op         Op
	Key        Key
	NextHop    netip.Addr // invalid on a point-to-point interface
	Interface  Interface
	ValidUntil time.Time // Forever if the lease never expires
	Reason     Reason    // the verdict that made it

	Ref     Ref
	Version uint16
}

// A Failure says why the kernel does not hold what a change asked for. Index
// is the change's place in the batch that was applied; all changes without a
// failure took effect.
type Failure struct {
	Index  int
	Reason Reason // one of ForeignRoute, ConnectedOverlap, KernelRefused, InterfaceDown, InterfaceMissing
	Detail string // the kernel's words; may be empty
}

// A Route is a route with our protocol number, as the kernel holds it: what a
// dump yields at start (adoption, R91) and in an audit.
type Route struct {
	Key       Key
	NextHop   netip.Addr
	Interface Interface
	Expires   time.Time // the kernel's own expiry; zero if it has none
}
