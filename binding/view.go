package binding

import (
	"net/netip"
	"slices"
	"time"
)

// A State is what a binding is good for now.
type State uint8

// The states.
const (
	Installed  State = iota + 1 // its route is in the kernel
	Pending                     // its route was handed out, and the kernel has not answered
	Suspect                     // installed, but doubted: see Binding.Doubt
	Unresolved                  // nothing says where the client is
	Refused                     // it may not or can't have a route: see Binding.Reason
	Kept                        // an address, which is kept and shown but not installed
)

const states = int(Kept) + 1

// A Binding is one lease as the table holds it, for display. It shares no
// memory with the table.
type Binding struct {
	Key         Key
	Client      []byte // DUID; nil for an adopted route that nobody claims
	ServerDUID  []byte // nil if unknown
	IAID        uint32
	HasIAID     bool
	Server      Server // 0 if none
	Sequence    uint64
	HasSequence bool
	Source      Source

	State  State
	Reason Reason // why it has no route, else why it stands
	Doubt  Reason // why it is asked about; NoReason if it is not in doubt
	Detail string // the kernel's words on a refusal; may be empty

	Interface Interface
	NextHop   netip.Addr // invalid if unknown, or if the interface needs none

	CLT            time.Time // zero if unknown
	Received       time.Time
	ValidUntil     time.Time // Forever if it never ends
	PreferredUntil time.Time
}

func (t *Table) binding(ref uint32) Binding {
	r := t.records.at(ref)
	x := t.extras.get(ref)
	b := Binding{
		Key: r.key.key(), Client: slices.Clone(t.clients.duid(r.client)), IAID: x.iaid, HasIAID: x.hasIAID,
		Server: Server(r.server), Sequence: x.sequence.value, HasSequence: x.sequence.known, Source: r.source,
		State: r.state, Reason: r.verdict, Doubt: r.doubt, Detail: t.details[ref],
		Interface: r.port, NextHop: r.hop.addr(),
		CLT: t.time(r.clt), Received: t.time(r.received),
		ValidUntil: t.time(r.valid), PreferredUntil: t.time(r.preferredUntil()),
	}
	if r.identity != 0 {
		b.ServerDUID = []byte(t.identities.duid(r.identity))
	}
	if r.refusal != NoReason {
		b.Reason = r.refusal
	}
	return b
}
