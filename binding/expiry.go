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
		if t.blocks.near[i] <= t.at {
			t.checkBlock(i)
		}
	}
	return t.fill(out)
}

// endsBy notes in the record's block when it ends, and when that is near.
func (t *Table) endsBy(ref uint32, end instant) {
	i := t.blocks.of(ref)
	t.blocks.ends[i] = min(t.blocks.ends[i], end)
	t.blocks.near[i] = min(t.blocks.near[i], t.nearEnd(t.records.at(ref)))
}

// nearEnd is when a lease that was not heard of again is asked about: forever
// if it never is.
func (t *Table) nearEnd(r *record) instant {
	if t.policy.CheckBefore == 0 || r.valid == forever || r.adopted() || r.has(checked) {
		return forever
	}
	const part = 8
	return r.valid - min(instant(t.policy.CheckBefore), (r.valid-r.received)/part)
}

// checkBlock doubts what is close to its end in one block: the client may have
// renewed unseen. Each lease is asked about once.
func (t *Table) checkBlock(i int) {
	next := forever
	t.inBlock(i, func(ref uint32, r *record) {
		near := t.nearEnd(r)
		if near > t.at {
			next = min(next, near)
			return
		}
		r.set(checked)
		t.doubtAlso(ref, r, Expiring)
	})
	t.blocks.near[i] = next
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
