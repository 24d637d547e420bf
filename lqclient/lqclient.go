package lqclient

import (
	"context"
	"net/netip"
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// Server says how one server is asked.
type Server struct {
	Number         binding.Server
	Name           string
	Address        netip.AddrPort
	Source         netip.Addr // invalid: the kernel chooses
	DUID           []byte     // refuse any other SERVERID; nil: any
	Queries        []wire.QueryType
	QueryAll       bool // ask all types, take the union
	Concurrent     int  // outstanding queries on the connection, at least 1 (R51)
	SequenceOption uint16
	ConnectTimeout time.Duration // R46
	DataTimeout    time.Duration // R47 to R49
	SuspectRate    float64       // questions by address a second after a round

	NoBulk      bool    // it is never asked for everything: TCP is not used
	Lookup      bool    // it may be asked about single leases over UDP
	Outstanding int     // lookups under way at a time, at most
	LookupRate  float64 // datagrams a second, retransmissions included
}

// Link is one of our links: what a query by link-address asks for.
type Link struct {
	Address   netip.Addr
	Interface binding.Interface
}

// Options is what a Requestor needs beside its server. All functions may be
// called from any goroutine.
type Options struct {
	ClientID []byte // our own DUID (R2)
	RelayID  []byte // what a query by relay-id asks for

	// Links returns the links to ask for now; RemoteIDs likewise.
	Links     func() []Link
	RemoteIDs [][]byte

	// Resolve says where a client is whose message passed the relays, the one
	// nearest the server first (DESIGN.md 4). It must not keep the slices.
	Resolve func(relays []binding.Relay) (binding.Interface, netip.Addr)
	// ResolveAddress says on which interface of ours a client's own address is.
	ResolveAddress func(netip.Addr) binding.Interface

	// Out takes what is learnt. The channel is never closed by the requestor.
	Out chan<- *binding.Batch
	// Port is where queries over UDP go out; nil: there are none. Whoever made
	// it runs it.
	Port *Port
	// Suspects returns which leases to ask the server about, in any order; no
	// more means that there are none. It is called after Out has taken the
	// batch with the round's mark, and again after what was answered: it must
	// not answer before what Out took has been applied. nil: nobody is asked.
	Suspects func(context.Context, binding.Server) ([]binding.Key, error)
	// Jitter delays the first round by a random part of it.
	Jitter time.Duration

	Log *logrus.Entry
}

// State is what a requestor is doing.
type State string

// The states.
const (
	Idle       State = "idle"
	Connecting State = "connecting"
	Querying   State = "querying"
	Complete   State = "complete" // the last round was answered in full; suspects may be asked about
	Failed     State = "failed"   // the last round broke off; the next try is on its way
)

// Status is a requestor's state at one instant.
type Status struct {
	State        State
	Error        error     // of the last failure; nil after a complete round, unless questions about suspects failed
	LastComplete time.Time // of a round about all; zero: none was yet
	Progress     time.Time // when something was last received; zero: nothing was
	Rounds       uint64    // complete rounds about all
	Served       uint64    // the last request for a round that a complete round has met
	Query        string    // what is being asked, in words; may be empty
	ServerDUID   []byte
	Bindings     uint64    // received since the start of the last round about all
	NextTry      time.Time // of what failed; zero: nothing did
	Counters     Counters
}
