package gleaner

import (
	"bytes"
	"hash/maphash"
	"math"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/binding"
)

// maxPerClient bounds the transactions of one client on one port: a client has
// one or two under way (RFC 8415, section 18.2).
const maxPerClient = 8

// maxChain bounds the transactions of equal DUID and peer-address on all ports
// together: clones of one client, or somebody who poses as it elsewhere.
const maxChain = 64

// none is the index of no transaction.
const none = -1

// An exchange is what names a transaction on the wire (L16).
type exchange struct {
	peer   [16]byte // where the relay, or else we, saw the client's message come from
	client []byte   // DUID
	xid    uint32
	direct bool // unicast between client and server, past every relay
}

// A transaction is a client's message that waits for its Reply, or had it.
type transaction struct {
	exchange
	port      binding.Interface
	kind      dhcpv6.MessageType
	at        time.Time // of the client's last message
	answered  uint64    // set of servers that have answered since then
	overtaken bool      // the client's Release came later
	hash      uint64
	sibling   int32 // the next one in its chain
	links     [2]link
}

// transactions remembers what clients asked, in bounded memory. Transactions
// of equal DUID and peer-address form a chain, so that one can be found when
// the Reply does not tell its port. When the table is full, a port that has
// more than the average loses its own oldest, and only else does the oldest of
// all go: one subscriber's flood does not blind us for the others.
type transactions struct {
	max   int
	ttl   time.Duration
	stats *counters

	seed   maphash.Seed
	chains map[uint64]int32 // first transaction of each chain
	slots  []transaction
	vacant []int32
	all    queue
	ports  map[binding.Interface]queue
}

func newTransactions(limit int, ttl time.Duration, stats *counters) *transactions {
	return &transactions{
		max: min(limit, math.MaxInt32), ttl: ttl, stats: stats,
		seed:   maphash.MakeSeed(),
		chains: make(map[uint64]int32),
		all:    emptyQueue,
		ports:  make(map[binding.Interface]queue),
	}
}

// open notes a client's message, the first or a repeated one. It copies the
// DUID. A Release overtakes what the client asked before.
func (t *transactions) open(x exchange, port binding.Interface, kind dhcpv6.MessageType, now time.Time) {
	t.expire(now)
	hash := t.hashOf(&x)
	i := t.make(&x, port, hash)
	s := &t.slots[i]
	s.kind, s.at, s.answered, s.overtaken = kind, now, 0, false
	t.append(i)
	t.stats[transactionsOpen].Store(uint64(t.all.size))
	if kind == dhcpv6.MessageTypeRelease {
		t.overtake(i)
	}
}

// make returns the slot for an exchange, in no queue: the one it has already,
// or a new one.
func (t *transactions) make(x *exchange, port binding.Interface, hash uint64) int32 {
	same, chain, oldest, last := 0, 0, int32(none), int32(none)
	for i := t.first(hash); i != none; i = t.slots[i].sibling {
		s := &t.slots[i]
		chain, last = chain+1, i
		if s.port != port || !s.sameClient(x) {
			continue
		}
		if s.xid == x.xid && s.direct == x.direct {
			t.remove(i)
			return i
		}
		same, oldest = same+1, i
	}
	switch { // chains have the newest first
	case same >= maxPerClient:
		t.evict(oldest)
	case chain >= maxChain:
		t.evict(last)
	case len(t.slots)-len(t.vacant) >= t.max:
		t.evict(t.victim(port))
	}
	return t.fill(x, port, hash)
}

// fill puts an exchange into a free slot, at the head of its chain.
func (t *transactions) fill(x *exchange, port binding.Interface, hash uint64) int32 {
	i := int32(len(t.slots))
	if n := len(t.vacant); n > 0 {
		i, t.vacant = t.vacant[n-1], t.vacant[:n-1]
	} else {
		t.slots = append(t.slots, transaction{})
	}
	s := &t.slots[i]
	client := append(s.client[:0], x.client...) // the slot's own memory, used again
	*s = transaction{exchange: *x, port: port, hash: hash, sibling: t.first(hash)}
	s.client = client
	t.chains[hash] = i
	return i
}

// victim says which transaction makes room for one of a port.
func (t *transactions) victim(port binding.Interface) int32 {
	if q, ok := t.ports[port]; ok && q.size*len(t.ports) > t.all.size {
		return q.oldest
	}
	return t.all.oldest
}

// A match is what find has found.
type match uint8

const (
	matchNone      match = iota
	matchOther           // only on another port
	matchFound           // and this is the server's first answer
	matchRepeated        // and the server has answered already
	matchOvertaken       // but the client has sent a Release since
)

// find returns the transaction that a server's Reply answers, and marks it as
// answered. The port is that which the Reply names, or 0 if it names none: then
// there must be exactly one. The transaction is valid until the next open.
func (t *transactions) find(x exchange, port binding.Interface, by binding.Server, now time.Time) (*transaction, match) {
	t.expire(now)
	var found *transaction
	elsewhere := false
	for i := t.first(t.hashOf(&x)); i != none; i = t.slots[i].sibling {
		s := &t.slots[i]
		switch {
		case s.xid != x.xid || s.direct != x.direct || !s.sameClient(&x):
		case port != 0 && s.port != port, found != nil:
			elsewhere = true
		default:
			found = s
		}
	}
	switch {
	case found == nil && elsewhere, port == 0 && elsewhere:
		return nil, matchOther
	case found == nil:
		return nil, matchNone
	}
	return found, found.answer(by)
}

func (s *transaction) answer(by binding.Server) match {
	bit := uint64(1) << (by & binding.MaxServers)
	if s.answered&bit != 0 {
		return matchRepeated
	}
	s.answered |= bit
	if s.overtaken {
		return matchOvertaken
	}
	return matchFound
}

// overtake marks what a client asked before its Release i: the server may have
// answered it before it saw the Release, so that nobody can tell from the
// Reply what is left.
func (t *transactions) overtake(i int32) {
	release := &t.slots[i]
	for i := t.first(release.hash); i != none; i = t.slots[i].sibling {
		s := &t.slots[i]
		if s.kind != dhcpv6.MessageTypeRelease && s.port == release.port && s.sameClient(&release.exchange) {
			s.overtaken = true
		}
	}
}

// expire forgets what is older than the time to live.
func (t *transactions) expire(now time.Time) {
	for t.all.size > 0 && now.Sub(t.slots[t.all.oldest].at) > t.ttl {
		t.stats.count(transactionsExpired)
		t.forget(t.all.oldest)
	}
	t.stats[transactionsOpen].Store(uint64(t.all.size))
}

// evict makes room. Nothing is lost with a transaction that was answered.
func (t *transactions) evict(i int32) {
	if t.slots[i].answered == 0 {
		t.stats.count(transactionsEvicted)
	} else {
		t.stats.count(transactionsExpired)
	}
	t.forget(i)
}

// forget takes a transaction out of its queues and its chain.
func (t *transactions) forget(i int32) {
	t.remove(i)
	s := &t.slots[i]
	if first := t.first(s.hash); first != i {
		for t.slots[first].sibling != i {
			first = t.slots[first].sibling
		}
		t.slots[first].sibling = s.sibling
	} else if s.sibling != none {
		t.chains[s.hash] = s.sibling
	} else {
		delete(t.chains, s.hash)
	}
	t.vacant = append(t.vacant, i)
}

// first returns the head of a chain, or none.
func (t *transactions) first(hash uint64) int32 {
	if i, ok := t.chains[hash]; ok {
		return i
	}
	return none
}

// hashOf hashes what makes the chain. The seed is our secret, so that nobody
// can aim at a chain. Neither xid nor port is part of it.
func (t *transactions) hashOf(x *exchange) uint64 {
	h := maphash.Bytes(t.seed, x.client)
	return h ^ maphash.Bytes(t.seed, x.peer[:])*0x9e3779b97f4a7c15
}

func (x *exchange) sameClient(o *exchange) bool {
	return x.peer == o.peer && bytes.Equal(x.client, o.client)
}
