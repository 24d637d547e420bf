package binding

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"net/netip"
	"time"
)

// A Table reconciles what all sources say about leases into one view, and
// says step by step how the kernel follows it.
//
// Each call is told what time it is; the times of one table must come from
// one monotonic clock and not run backwards. A call that appends to out
// returns changes that must be applied in that order, and of each change
// Record must tell what became of it: a binding has one change outstanding at
// most, Withdraw aside, and what it needs meanwhile is put into one more
// change, emitted by the first call after Record. The slice may be used again
// once the changes are applied.
type Table struct {
	policy Policy
	eps    instant
	base   time.Time // instant 0
	now    time.Time // the last time that we were told, and
	at     instant   // the same

	records slab[record]
	extras  extras
	blocks  blocks
	index   index
	seed    maphash.Seed
	lengths [2 * 256]int // records by form and prefix length, see lengthOf

	clients    clients
	identities identities
	ports      map[Interface]*port
	ofClient   chain
	ofPort     chain

	servers    [MaxServers + 1]server
	known      uint64 // the servers that sent a mark, as bits
	claims     map[uint32]unclaimed
	tombstones tombstones
	story      story
	repelled   packedKey // see Repelled
	followed   *followed // what News is to tell; nil: nobody wants to know

	postponed  []uint32            // records that wait for the answer to a change
	vacancies  []vacancy           // slots that came free
	lenders    []uint32            // clients, held, of which an address came, went or moved
	obstructed map[uint32]struct{} // records refused by something that Retry may lift
	details    map[uint32]string   // the kernel's words on a refusal
	started    bool                // the dump at start is complete

	counts Counts
}

// New returns an empty table.
func New(p Policy, now time.Time) *Table {
	t := &Table{
		policy: p.withDefaults(), base: now, now: now, seed: maphash.MakeSeed(),
		ports: make(map[Interface]*port), claims: make(map[uint32]unclaimed),
		obstructed: make(map[uint32]struct{}), details: make(map[uint32]string),
	}
	t.eps = instant(t.policy.EPS)
	t.index.hash = func(ref uint32) uint64 { return t.hash(t.records.at(ref).key) }
	t.index.each = func(yield func(uint32)) {
		for ref := range t.refs() {
			yield(ref)
		}
	}
	t.ofClient.of = func(ref uint32) *links { return &t.records.at(ref).byClient }
	t.ofPort.of = func(ref uint32) *links { return &t.records.at(ref).byPort }
	for i := range t.servers {
		t.servers[i].began = never
	}
	t.clients.init()
	t.tombstones.init()
	return t
}

// Apply takes in a batch: its observations in order, then its mark. It appends
// to out what the kernel must do, and does not free the batch.
func (t *Table) Apply(now time.Time, b *Batch, out []Change) []Change {
	t.tick(now)
	out = t.resume(out)
	for i := range b.Observations {
		out = t.observe(&b.Observations[i], out)
		out = t.fill(out)
	}
	t.mark(b)
	return out
}

// observe takes in one observation.
func (t *Table) observe(o *Observation, out []Change) []Change {
	t.counts.Observations[min(o.Source, FromGlean)]++
	s := statement{Observation: o}
	if !t.read(&s) {
		t.counts.Malformed++
		return out
	}
	ref := t.findHashed(s.key, s.hash)
	t.mention(ref, &s)
	if ref != 0 {
		t.touch(ref, t.records.at(ref))
	}
	switch o.Statement {
	case Held:
		return t.held(ref, &s, out)
	case Withdrawn:
		return t.withdrawn(ref, &s, out)
	case Released:
		return t.released(ref, &s, out)
	case Denied:
		return t.denied(ref, &s, out)
	case NoAnswer:
		return t.unanswered(ref, &s, out)
	}
	t.counts.Malformed++
	return out
}

// Get returns the binding of a key.
func (t *Table) Get(k Key) (Binding, bool) {
	if ref := t.findKey(k); ref != 0 {
		return t.binding(ref), true
	}
	return Binding{}, false
}

// Lookup returns the binding with the longest prefix that contains a, an
// address itself before a prefix of the same length. A delegation
// that the policy never allows, such as ::/1, covers nothing.
func (t *Table) Lookup(a netip.Addr) (Binding, bool) {
	a = a.WithZone("")
	for n := a.BitLen(); n > 0; n-- {
		for kind := Address; ; kind-- {
			k := pack(Key{Kind: kind, Prefix: netip.PrefixFrom(a, n)})
			if t.lengths[lengthOf(k)] > 0 {
				ref := t.find(pack(Key{Kind: kind, Prefix: netip.PrefixFrom(a, n).Masked()}))
				if ref != 0 && (kind == Address || t.policy.admits(t.records.at(ref).key.key()) == NoReason) {
					return t.binding(ref), true
				}
			}
			if kind == DelegatedPrefix {
				break
			}
		}
	}
	return Binding{}, false
}

// All yields every binding. The table must not be changed meanwhile.
func (t *Table) All() iter.Seq[Binding] {
	return func(yield func(Binding) bool) {
		for ref := range t.refs() {
			if !yield(t.binding(ref)) {
				return
			}
		}
	}
}

// refs yields the records in the order of memory. A record may be dropped
// meanwhile.
func (t *Table) refs() iter.Seq2[uint32, *record] {
	return func(yield func(uint32, *record) bool) {
		for ref := uint32(1); ref <= t.records.used; ref++ {
			if r := t.records.at(ref); r.state != 0 && !yield(ref, r) {
				return
			}
		}
	}
}

func (t *Table) hash(k packedKey) uint64 { return maphash.Comparable(t.seed, k) }

// find returns the record of a key, or 0.
func (t *Table) find(k packedKey) uint32 { return t.findHashed(k, t.hash(k)) }

func (t *Table) findHashed(k packedKey, hash uint64) uint32 {
	return t.index.find(hash, func(ref uint32) bool { return t.records.at(ref).key == k })
}

// findKey is find for a key that the caller made up.
func (t *Table) findKey(k Key) uint32 {
	if !k.Prefix.IsValid() {
		return 0
	}
	return t.find(pack(k))
}

// lengthOf is where Table.lengths counts keys like k: one place for each
// family, kind and length. No length is above 128.
func lengthOf(k packedKey) int {
	place := int(k.bits)
	if k.kind() == Address {
		place += 129
	}
	if k.form&formV4 != 0 {
		place = 258 + int(k.bits) + 33*int(k.kind())
	}
	return place
}

// serverBit is a server's bit in a set of servers.
func serverBit(s Server) uint64 { return bits.RotateLeft64(1, int(s)) }
