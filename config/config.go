package config

import (
	"net/netip"
	"time"

	"github.com/sirupsen/logrus"
)

// Config is a configuration whose every value has been checked.
type Config struct {
	RelayID    []byte // our relay-id: a DUID of 3 to 130 octets; nil: made once and kept in StateDir
	StateDir   string
	Interfaces Interfaces
	Servers    []Server
	Links      []netip.Addr // link-addresses to ask for; nil: the global addresses of the access interfaces
	RemoteIDs  [][]byte     // OPTION_REMOTE_ID values: enterprise number (4 octets), then at least one octet
	Delegation Delegation
	Recovery   Recovery
	Routes     Routes
	Glean      Glean
	StateFile  StateFile
	OnDemand   OnDemand
	Control    Control
	Metrics    Metrics
	Log        Log

	ReadyRecovered bool // ready means recovered; else: watching and answering

	// Warnings are one line each, in the form of a Fault: what was accepted
	// but is probably not meant. They are for the log, once, at start.
	Warnings []string
}

// Interfaces says which interfaces are which. The patterns are shell patterns
// (path.Match).
type Interfaces struct {
	Access       []string
	Core         []string
	InterfaceIDs []InterfaceID
}

// InterfaceID maps an Interface-Id option (RFC 8415, section 21.18) to an
// interface.
type InterfaceID struct {
	ID        []byte
	Interface string
}

// QueryType is a kind of bulk query that a server is asked.
type QueryType string

// The query types, as an operator writes them.
const (
	ByRelayID     QueryType = "relay-id"
	ByLinkAddress QueryType = "link-address"
	ByRemoteID    QueryType = "remote-id"
)

// Server is one DHCP server.
type Server struct {
	Name              string
	Address           netip.AddrPort
	Source            netip.Addr // invalid: the kernel chooses
	DUID              []byte     // nil: any
	Queries           []QueryType
	QueryAll          bool
	ConcurrentQueries int
	Dialect           string // "rfc"
	SequenceOption    uint16 // 0: not used
	NotifyOption      uint16 // likewise
	ConnectTimeout    time.Duration
	DataTimeout       time.Duration
	SuspectRate       float64 // questions about suspects a second
	Bulk              bool    // asked for everything, over TCP
	Lookup            bool    // asked about single leases, over UDP
}

// Delegation bounds what is ever routed.
type Delegation struct {
	Allowed              []netip.Prefix // canonical
	MinLength            int
	MaxLength            int
	MaxPrefixesPerClient int           // 0: no limit
	MaxPrefixesPerPort   int           // 0: no limit
	MaxValid             time.Duration // 0: no cap
	HoldDoubtful         bool          // a binding with CLT_TIME >= valid gets no route until it is confirmed
	MaxBindings          int           // bound of the table
}

// Recovery is about the first round of queries and later ones.
type Recovery struct {
	GiveUp         time.Duration // without progress for so long: degraded
	Jitter         time.Duration // the first query is sent at a random time within it
	ResyncInterval time.Duration // 0: off
}

// Routes is about the kernel.
type Routes struct {
	Table          uint32
	Protocol       uint8
	Metric         uint32
	Blackhole      bool // a covering blackhole route for each allowed block
	RemoveOnExit   bool
	FailSafe       bool
	FailSafeMargin time.Duration
	AdoptHold      time.Duration
	InstallRate    int // routes a second; 0: full speed
	AnnounceRate   int // repeats a second for listeners that lost changes; 0: off
}

// Glean is about learning from the messages that pass.
type Glean struct {
	Enabled         bool
	Outgoing        bool // a DHCP server runs on this box
	Buffer          int  // receive buffer of each socket, octets
	MaxTransactions int
}

// StateFile is about what is known being kept over a restart.
type StateFile struct {
	Enabled  bool
	Interval time.Duration // how often it is written, if anything changed
}

// OnDemand is about asking for single leases.
type OnDemand struct {
	Enabled       bool
	Guard         bool   // drop packets from unknown sources
	InOrder       bool   // ask one server after the other
	LocalPort     uint16 // that servers are asked from
	Rate          int    // lookups a second, in all
	InterfaceRate int    // lookups a second, for one interface
	Outstanding   int
	NegativeTTL   time.Duration // of "nobody holds it"
	NoAnswerTTL   time.Duration
	MaxNegative   int
	CheckBefore   time.Duration // the end of a lease that nobody renewed; 0: never

	Table         string // of nftables
	Group         uint16 // of NFLOG
	Keep          bool   // leave the rules in the kernel on exit
	MACRate       int
	CandidateRate int
	MaxCandidates int
	MaxVerified   int
	MaxPending    int
	PendingTime   time.Duration
}

// Control is the control socket.
type Control struct {
	Socket string
	Group  string // a name or a number; "": the daemon's own
}

// Metrics is about being watched.
type Metrics struct {
	Listen netip.AddrPort // where it is served over HTTP; invalid: nowhere
}

// Log is about logging.
type Log struct {
	Level logrus.Level
	JSON  bool
}
