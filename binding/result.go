package binding

import "time"

// mostDetails bounds how many of the kernel's own words are kept.
const mostDetails = 1 << 12

// Record takes in what the kernel said about changes that were handed out, in
// the order in which they were applied: those without a failure took effect.
// What is about a change that a later one has overtaken is ignored.
func (t *Table) Record(now time.Time, done []Change, failures []Failure) {
	t.tick(now)
	for i := range failures {
		if f := &failures[i]; f.Index >= 0 && f.Index < len(done) {
			t.failed(&done[f.Index], f)
		}
	}
	for i := range done {
		t.succeeded(&done[i])
	}
}

// Continue emits what waited for the answers that Record took in.
func (t *Table) Continue(now time.Time, out []Change) []Change {
	t.tick(now)
	return t.fill(t.resume(out))
}

// outstanding returns the record that waits for the answer to c, or nil.
func (t *Table) outstanding(c *Change) *record {
	if c.Ref == 0 || uint32(c.Ref) > t.records.used {
		return nil
	}
	r := t.records.at(uint32(c.Ref))
	if r.state == 0 || r.version != c.Version || !r.has(pending) {
		return nil
	}
	return r
}

func (t *Table) succeeded(c *Change) {
	r, ref := t.outstanding(c), uint32(c.Ref)
	if r == nil {
		return
	}
	r.set(exists)
	if r.has(lost) {
		r.unset(exists)
	}
	r.unset(pending | refreshing | repeated | lost)
	t.restate(ref, r)
}

// failed takes in one failure.
func (t *Table) failed(c *Change, f *Failure) {
	r := t.outstanding(c)
	if r == nil {
		return
	}
	ref := uint32(c.Ref)
	overtaken := r.has(stale | lost) // then the failure may be about another place, or over
	r.unset(pending | refreshing | lost)
	r.version++
	t.counts.Failures++
	kept := t.survived(c, f, r)
	r.unset(repeated)
	if !kept && (!overtaken || foreign(f.Reason)) {
		t.refuse(ref, r, f.Reason)
		t.detail(ref, f.Detail)
	}
	t.postpone(ref, r)
	t.restate(ref, r)
}

// survived notes which route the kernel holds after a failure, and reports
// whether it is still the one that the record wants.
func (t *Table) survived(c *Change, f *Failure, r *record) bool {
	switch {
	case f.Reason == ForeignRoute, c.Op == Install && !r.has(repeated):
		r.unset(mayExist | exists)
	case c.Op == Install:
	case c.Op == Move:
		r.set(stale)
	case f.Reason == KernelRefused:
		return true // with its old expiry, which an audit will see
	default:
		r.unset(exists)
	}
	return false
}

// foreign reports whether a refusal is about the prefix, wherever the client
// is.
func foreign(why Reason) bool { return why == ForeignRoute || why == ConnectedOverlap }

func (t *Table) detail(ref uint32, words string) {
	if words != "" && len(t.details) < mostDetails {
		t.details[ref] = words
	}
}
