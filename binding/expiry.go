package binding

import "time"

// Expire removes what has run out (R73). It is cheap when nothing has, and is
// to be called about once a second.
func (t *Table) Expire(now time.Time, out []Change) []Change {
	t.tick(now)
	out = t.resume(out)
	t.tombstones.sweepOften(t.at)
	for i := range t.blocks.ends {
		if t.blocks.ends[i] <= t.at {
			out = t.expireBlock(i, out)
		}
	}
	return t.fill(out)
}

// endsBy notes in the record's block when it ends.
func (t *Table) endsBy(ref uint32, end instant) {
	i := t.blocks.of(ref)
	t.blocks.ends[i] = min(t.blocks.ends[i], end)
}

// expireBlock removes what has run out in one block.
func (t *Table) expireBlock(i int, out []Change) []Change {
	next := forever
	t.inBlock(i, func(ref uint32, r *record) {
		if r.valid > t.at {
			next = min(next, r.valid)
			return
		}
		t.counts.Expired++
		t.tellOf(r, Expired)
		out = t.drop(ref, r, Expired, out)
	})
	t.blocks.ends[i] = next
	return out
}
