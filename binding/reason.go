package binding

// Reason is the verdict on a statement or on a binding: why it stands, why it
// lost, why it has no route.
type Reason uint8

// The reasons. Rule and String say each in an operator's words.
const (
	NoReason Reason = iota

	// Why a statement won or lost.
	FirstHeard     // R70: nothing else was known about the lease
	NewerSequence  // R76: same server, higher sequence number
	OlderSequence  // R76
	LaterCLT       // R77: later client-last-transaction-time
	EarlierCLT     // R77
	SameExchange   // R78: the same transaction, seen twice
	HigherRank     // R79: tie, the better source
	LowerRank      // R79
	EarlierServer  // R79: tie, the server that the configuration lists first
	LaterServer    // R79
	LowerDUID      // R79: tie, the bytewise smaller server DUID
	HigherDUID     // R79
	TombstoneHolds // R89: older than the release or withdrawal

	// Why a binding went.
	Expired         // R73: the valid lifetime has run out
	ZeroLifetime    // R88: a server reported a valid lifetime of zero
	ReleasedByOwner // RFC 8987 G-9: the client released it
	DeniedByServer  // R42: the server says that nobody holds it
	ClearedByHand   // RFC 8987 O-2

	// Why a binding has no route.
	OutsideAllowed   // R37: not inside delegation.allowed
	LengthNotAllowed // R37: the length is not one of delegation.lengths
	ClientLimit      // RFC 8987 G-5
	PortLimit        // RFC 8987 G-6
	NoNextHop        // R90: nothing says where the client is
	HeldBack         // doubtful, and the configuration holds such back
	KeptOnly         // an address: kept and shown, not installed
	ForeignRoute     // someone else holds a route of exactly this prefix
	ConnectedOverlap // it overlaps a connected prefix
	KernelRefused    // the kernel gave another error
	InterfaceDown    // the interface is down
	InterfaceMissing // the interface is gone

	// Why a binding is suspect.
	LifetimePassed  // PEERS.md 2, fact 2: CLT is older than the valid lifetime
	AbsentFromRun   // R60: a complete round did not mention it
	ClockBehind     // state file from the future
	ReleaseDisputed // somebody released it who does not look like its client
	ClientDisputed  // a server names another client
	Overlapping     // it lies inside another client's prefix, or that one in it
	Expiring        // near its end, and no renewal was seen

	// Other.
	Adopted   // R91: found in the kernel at start
	Repaired  // someone took or changed our route
	TableFull // the table's bound is met
)
