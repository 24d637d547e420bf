package control

import "time"

// Status is how the daemon is.
type Status struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	// State is starting, recovering, recovered or degraded.
	State string `json:"state"`
	// RecoveredAfterSeconds counts from the start of the daemon to the
	// instant when every server had completed its round and every route of
	// it was in the kernel; null until then.
	RecoveredAfterSeconds *float64 `json:"recovered_after_seconds"`
	Bindings              int      `json:"bindings"`
	RoutesInstalled       int      `json:"routes_installed"`
	// ChangesPending has the changes of routes that were decided and are not
	// yet in the kernel.
	ChangesPending int `json:"changes_pending"`
	// ByState has the number of bindings in each state.
	ByState map[string]int `json:"by_state"`
	// BySource has the number of bindings by who told about them last.
	BySource map[string]int `json:"by_source"`
	// Refused has the number of bindings without a route, by reason.
	Refused map[string]int `json:"refused"`
	// InDoubt has the bindings that servers are asked about, with a route or
	// without.
	InDoubt int `json:"in_doubt"`
	// Obstructed has the bindings that wait for what is in their route's way.
	Obstructed int `json:"obstructed"`
	Clients    int `json:"clients"` // that are known by their DUID
	// Tombstones has the leases that ended, and stay so whatever older words
	// say.
	Tombstones int      `json:"tombstones"`
	RelayID    string   `json:"relay_id"`
	Reloads    uint64   `json:"reloads"` // how often another configuration has taken effect
	Servers    []Server `json:"servers"`
	// Gleaning is watching, off, or failed.
	Gleaning string   `json:"gleaning"`
	OnDemand OnDemand `json:"on_demand"`
	Metrics  Metrics  `json:"metrics"`
	// Announcing is how well routing daemons know our routes.
	Announcing Announcing `json:"announcing"`
	// Goroutines is how many the daemon has: a number that grows is a fault.
	Goroutines int `json:"goroutines"`
	// Counters has what was dropped, refused, retried or repaired since the
	// start, by name.
	Counters map[string]uint64 `json:"counters"`
}

// OnDemand is how unknown addresses are noticed and asked about.
type OnDemand struct {
	State string `json:"state"` // armed, off, failed
	Mode  string `json:"mode"`  // accept, guard
	Error string `json:"error"` // why nothing is noticed
}

// Metrics is where metrics and health are served over HTTP.
type Metrics struct {
	Listen string `json:"listen"` // "": nowhere
	Error  string `json:"error"`  // why nothing is served there; trying goes on
}

// Announcing is how well those who listen to the kernel, such as routing
// daemons, know our routes.
type Announcing struct {
	// State is exact, waiting (somebody lost changes, and is told again when the
	// burst is over), repeating, given up (somebody loses whatever is told),
	// unknown (see Error) or off.
	State     string     `json:"state"`
	Pass      int        `json:"pass"` // how often all routes were gone through for the last burst
	Listeners []Listener `json:"listeners"`
	Error     string     `json:"error"` // why losses can't be seen
}

// Listener is a program that lost changes of routes since the daemon's start.
type Listener struct {
	Program string `json:"program"` // "" if it can't be told
	Pid     int    `json:"pid"`     // likewise 0
	Inode   uint64 `json:"inode"`   // of its socket
	Lost    uint64 `json:"lost"`    // messages, about any routes
}

// Server is how one DHCP server fares.
type Server struct {
	Name             string     `json:"name"`
	Address          string     `json:"address"`
	DUID             string     `json:"duid"`
	State            string     `json:"state"` // idle, connecting, querying, complete, failed
	Query            string     `json:"query"` // what is being asked; "" when nothing is
	LastComplete     *time.Time `json:"last_complete"`
	NextTry          *time.Time `json:"next_try"`
	Rounds           uint64     `json:"rounds"`
	RequestsServed   uint64     `json:"requests_served"` // the last resync that is over: see Resync
	BindingsReceived uint64     `json:"bindings_received"`
	Error            string     `json:"error"` // of the last failure, until a round is complete
	// Lookup is how the server is asked about single addresses over UDP: off,
	// ready, silent (it answers nothing, and is polled), or closed (our port is
	// not open, see LookupError).
	Lookup      string            `json:"lookup"`
	LookupError string            `json:"lookup_error"`
	Counters    map[string]uint64 `json:"counters"`
}

// Binding is one lease and what became of it.
type Binding struct {
	Prefix         string     `json:"prefix"`
	Kind           string     `json:"kind"` // prefix, address
	ClientDUID     string     `json:"client_duid"`
	Interface      string     `json:"interface"`
	NextHop        string     `json:"next_hop"`
	ValidUntil     *time.Time `json:"valid_until"`
	PreferredUntil *time.Time `json:"preferred_until"`
	CLT            *time.Time `json:"clt"`
	Server         string     `json:"server"`
	ServerDUID     string     `json:"server_duid"`
	SequenceNumber *uint64    `json:"sequence_number"`
	Source         string     `json:"source"` // bulk, lookup, glean, notify, active, state, kernel
	State          string     `json:"state"`  // installed, unresolved, suspect, refused, pending, kept
	Reason         string     `json:"reason"`
	Detail         string     `json:"detail"` // the kernel's words, if it gave any
}

// Route is a route that the daemon holds in the kernel.
type Route struct {
	Prefix    string     `json:"prefix"`
	NextHop   string     `json:"next_hop"`
	Interface string     `json:"interface"`
	Expires   *time.Time `json:"expires"` // the kernel's own; null: never
	State     string     `json:"state"`
}

// Query is what a server is asked, was asked of late, or is not asked for a
// while.
type Query struct {
	// Kind is round (a server is asked for everything), lookup (the servers are
	// asked about one address), negative (an address is not asked about for a
	// while) or suspect (a binding in doubt, about which its server is asked).
	Kind string `json:"kind"`
	// State is a round's as in Server; under way, found, unrouted, denied or
	// unanswered of a lookup; held off of a negative; in doubt of a suspect.
	State      string     `json:"state"`
	Server     string     `json:"server"`      // of a lookup: who holds a lease there; "" if nobody does
	Asked      string     `json:"asked"`       // the address, the prefix, or the query in words
	Interface  string     `json:"interface"`   // where the packet came in, or where the client is
	ClientDUID string     `json:"client_duid"` // of a suspect
	Since      *time.Time `json:"since"`       // when it began, was last complete (round) or was last heard of (suspect)
	Until      *time.Time `json:"until"`       // when it ended, is tried again (round, negative) or the lease ends (suspect)
	Reason     string     `json:"reason"`
}

// Cleared is how many bindings and routes were removed; in the answer to GET
// how many bindings would be.
type Cleared struct {
	Bindings int `json:"bindings"`
	Routes   int `json:"routes"`
}

// LogLevel is the least severe level that is logged: error, warn, info, debug
// or trace.
type LogLevel struct {
	Level string `json:"level"`
}

// Names are what a command line may be completed by.
type Names struct {
	Interfaces []string `json:"interfaces"`
	Servers    []string `json:"servers"`
}

// Event is one verdict about a lease.
type Event struct {
	At     time.Time `json:"at"`
	Source string    `json:"source"`
	Server string    `json:"server"`
	// Message is the packet that taught it, such as "Reply to Renew"; "" if it
	// was not gleaned.
	Message   string     `json:"message"`
	Interface string     `json:"interface"` // where the client is, by this word; "" if it does not tell
	Client    string     `json:"client_duid"`
	CLT       *time.Time `json:"clt"`
	Sequence  *uint64    `json:"sequence_number"`
	Rule      string     `json:"rule"`
	Reason    string     `json:"reason"`
	Won       bool       `json:"won"`
	Other     string     `json:"other_client_duid"`
	// Remark marks what nobody said: it is what became of the binding.
	Remark bool `json:"remark"`
}

// Explanation is the story of one lease: what is held, and the verdicts that
// led there, oldest first.
type Explanation struct {
	Asked   string   `json:"asked"`
	Prefix  string   `json:"prefix"` // "" if nothing is known
	Binding *Binding `json:"binding"`
	Events  []Event  `json:"events"`
	// Kernel is what the kernel holds for the prefix, in words.
	Kernel string `json:"kernel"`
	// Advice says what may be wrong when nothing is known, and what can be done
	// about a lease without a route, or in doubt; "" if all is well.
	Advice string `json:"advice"`
}

// Resync is the answer to a resync request: its number with each server. It is
// over when every server's RequestsServed has reached that.
type Resync struct {
	Requests map[string]uint64 `json:"requests"`
}

// Reload is the answer to a reload: the sections that have changed, and how
// many reloads there had been. They are in effect once there is one more.
type Reload struct {
	Changed []string `json:"changed"`
	Before  uint64   `json:"before"`
}

// Lookup is what the servers said about one address, and what came of it.
type Lookup struct {
	Asked   string        `json:"asked"`
	Replies []LookupReply `json:"replies"`
	Binding *Binding      `json:"binding"` // what covers the address now; null: nothing does
}

// LookupReply is what one server said.
type LookupReply struct {
	Server string        `json:"server"`
	Said   string        `json:"said"`  // held, nothing, or the status by its name; "" if it did not answer
	Error  string        `json:"error"` // why there is no answer, or not all of it
	Took   float64       `json:"took_seconds"`
	Leases []LookupLease `json:"leases"`
}

// LookupLease is one lease that a server tells of.
type LookupLease struct {
	Prefix     string     `json:"prefix"`
	Kind       string     `json:"kind"`
	ClientDUID string     `json:"client_duid"`
	ValidUntil *time.Time `json:"valid_until"`
	Interface  string     `json:"interface"`
	NextHop    string     `json:"next_hop"`
}

// Problem is the body of an answer that is not 2xx.
type Problem struct {
	Error string `json:"error"`
}
