package binding

import (
	"net/netip"
	"slices"
	"time"
)

// An Event is one verdict about a lease: who said what, which rule decided.
type Event struct {
	At          time.Time
	Source      Source
	Server      Server
	Statement   Statement
	Exchange    Exchange  // of a gleaned statement
	Interface   Interface // where the client is, by the statement; 0 if it does not tell
	Client      []byte    // nil if it is not known or does not matter
	CLT         time.Time
	Sequence    uint64
	HasSequence bool
	Reason      Reason
	Won         bool   // the statement became the binding, or ended it
	Other       []byte // the DUID on the other side of a conflict; nil if there was none
	Remark      bool   // nobody said it: it is what became of the binding
}

// longestStory is how many events are kept, of all leases together.
const longestStory = 1 << 16

// An event is an Event without pointers.
type event struct {
	at, clt   instant
	sequence  uint64
	key       packedKey
	source    Source
	server    uint8
	statement Statement
	exchange  Exchange
	reason    Reason
	numbered  bool
	won       bool
	remark    bool
	client    uint32 // held
	other     uint32 // held
	port      Interface
}

// A story is a ring of events. What is uneventful, such as the first word
// about a lease or a renewal, is told by the record itself.
type story struct {
	events []event
	next   int // the oldest, once the ring is full
}

// tell notes a verdict on a statement. other is the client that held the lease.
func (t *Table) tell(s *statement, why Reason, won bool, other uint32) {
	e := event{
		at: s.claim.received, clt: s.clt, sequence: s.sequence.value, numbered: s.sequence.known, key: s.key,
		source: s.source, server: uint8(s.server), statement: s.Statement, exchange: s.Exchange, port: s.port,
		reason: why, won: won,
	}
	if len(s.Client) > 0 {
		e.client = t.clients.hold(s.Client)
	}
	if other != e.client {
		t.clients.holdID(other)
		e.other = other
	}
	t.note(e)
}

// tellOf notes what became of a record now.
func (t *Table) tellOf(r *record, why Reason) {
	t.clients.holdID(r.client)
	t.note(event{
		at: t.at, clt: r.clt, key: r.key, client: r.client, source: r.source, server: r.server, port: r.port, reason: why, remark: true,
	})
}

func (t *Table) note(e event) {
	s := &t.story
	if len(s.events) < longestStory {
		s.events = append(s.events, e)
		return
	}
	old := &s.events[s.next]
	t.clients.release(old.client)
	t.clients.release(old.other)
	*old = e
	s.next = (s.next + 1) % longestStory
}

// Story returns what is remembered of a lease's history, in the order of time.
// It ends with the statement that the binding, if there is one, stands on.
func (t *Table) Story(k Key) []Event {
	if !k.Prefix.IsValid() {
		return nil
	}
	packed := pack(k)
	var list []Event
	told := false
	ref := t.find(packed)
	for i := range t.story.events {
		e := &t.story.events[(t.story.next+i)%len(t.story.events)]
		if e.key != packed {
			continue
		}
		told = told || ref != 0 && e.standsFor(t.records.at(ref))
		list = append(list, t.event(e))
	}
	if ref != 0 && !told {
		list = append(list, t.standing(ref))
	}
	slices.SortStableFunc(list, func(a, b Event) int { return a.At.Compare(b.At) })
	return list
}

// Remembered returns the lease that the latest event about an address is
// about: one that covers it and is held no more, maybe.
func (t *Table) Remembered(a netip.Addr) (k Key, ok bool) {
	a = a.WithZone("")
	for i := range t.story.events {
		e := &t.story.events[(t.story.next+i)%len(t.story.events)]
		if key := e.key.key(); key.Prefix.Contains(a) && t.policy.insideAllowed(key.Prefix) {
			k, ok = key, true
		}
	}
	return k, ok
}

// standsFor reports whether the event is the statement that a record stands on.
func (e *event) standsFor(r *record) bool {
	return e.won && e.at == r.received && e.reason == r.verdict
}

func (t *Table) event(e *event) Event {
	return Event{
		At: t.time(e.at), Source: e.source, Server: Server(e.server), Statement: e.statement,
		Exchange: e.exchange, Interface: e.port,
		Client: slices.Clone(t.clients.duid(e.client)), CLT: t.time(e.clt),
		Sequence: e.sequence, HasSequence: e.numbered, Reason: e.reason, Won: e.won,
		Other: slices.Clone(t.clients.duid(e.other)), Remark: e.remark,
	}
}

// standing is the event of the statement that a record stands on.
func (t *Table) standing(ref uint32) Event {
	b := t.binding(ref)
	return Event{
		At: b.Received, Source: b.Source, Server: b.Server, Client: b.Client, CLT: b.CLT,
		Exchange: t.extras.get(ref).exchange, Interface: b.Interface,
		Sequence: b.Sequence, HasSequence: b.HasSequence, Reason: t.records.at(ref).verdict, Won: true,
	}
}
