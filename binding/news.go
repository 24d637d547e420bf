package binding

import "time"

// mostNews bounds how many bindings may change between two calls of News.
const mostNews = 1 << 16

// A Transition is what became of one binding between two calls of News.
type Transition struct {
	At     time.Time // of the last step of it
	Key    Key
	Before Binding // its State is 0: there was none
	After  Binding // its State is 0: there is none any more
	Reason Reason  // the verdict behind what is new: why it went, is in doubt, has no route, or stands
}

// followed are the bindings that have changed since the last call of News, as
// they were before.
type followed struct {
	order  []packedKey
	before map[packedKey]earlier
	missed uint64
}

// An earlier is what a binding was, and why it went, if it did.
type earlier struct {
	binding Binding
	why     Reason
}

// Follow says whether the table keeps track of what changes, for News. While it
// does not, this costs nothing.
func (t *Table) Follow(on bool) {
	switch {
	case !on:
		t.followed = nil
	case t.followed == nil:
		t.followed = &followed{before: make(map[packedKey]earlier)}
	}
}

// News tells what has changed since it was called last, in the order in which
// the changes began, and how many more changed for which there was no room.
// What is as it was before is not told.
func (t *Table) News(tell func(Transition)) (missed uint64) {
	f := t.followed
	if f == nil || len(f.order) == 0 && f.missed == 0 {
		return 0
	}
	for _, k := range f.order {
		e := f.before[k]
		n := Transition{At: t.now, Key: k.key(), Before: e.binding, Reason: e.why}
		if ref := t.find(k); ref != 0 {
			n.After = t.binding(ref)
			n.Reason = n.After.told()
		}
		if !n.Before.same(&n.After, t.policy.EPS) {
			tell(n)
		}
	}
	missed = f.missed
	f.order, f.missed = f.order[:0], 0
	clear(f.before)
	return missed
}

// told is the verdict that an operator wants to hear of.
func (b *Binding) told() Reason {
	if b.State == Suspect {
		return b.Doubt
	}
	return b.Reason
}

// same reports whether nothing that is shown of a binding has changed. That it
// was heard of once more is nothing new, nor an end of its lease that differs
// by no more than clocks do.
func (b *Binding) same(a *Binding, eps time.Duration) bool {
	return b.State == a.State && b.told() == a.told() && string(b.Client) == string(a.Client) &&
		b.Interface == a.Interface && b.NextHop == a.NextHop && b.Server == a.Server && b.Source == a.Source &&
		a.ValidUntil.Sub(b.ValidUntil).Abs() <= eps
}

// touch notes what a record is before something changes it.
func (t *Table) touch(ref uint32, r *record) {
	if t.followed != nil && ref != 0 && r.state != 0 {
		t.noteEarlier(r.key, func() Binding { return t.binding(ref) })
	}
}

// touchNew notes that there was no record of a key.
func (t *Table) touchNew(k packedKey) {
	if t.followed != nil {
		t.noteEarlier(k, func() Binding { return Binding{} })
	}
}

// touchGone notes why a record goes.
func (t *Table) touchGone(k packedKey, why Reason) {
	if t.followed == nil {
		return
	}
	if e, ok := t.followed.before[k]; ok {
		e.why = why
		t.followed.before[k] = e
	}
}

func (t *Table) noteEarlier(k packedKey, was func() Binding) {
	f := t.followed
	if _, ok := f.before[k]; ok {
		return
	}
	if len(f.order) == mostNews {
		f.missed++
		return
	}
	f.order = append(f.order, k)
	f.before[k] = earlier{binding: was()}
}
