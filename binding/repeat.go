package binding

// Repeats looks at up to n records behind from, in the order of memory, and
// appends what tells those who listen to the kernel once more of their routes:
// a Move to where the route is already, or, of a route that the kernel took
// out together with its interface, a Withdraw. It returns where the next call
// goes on: the first one begins at 0, and 0 is the end.
//
// Repeats change nothing, and Record must not be told of them. They hold only
// until the next change is handed out; what comes, goes or moves after that is
// told by the change itself. What a change is under way for is left out, that
// of an expiry aside, which nobody hears.
func (t *Table) Repeats(from Ref, n int, out []Change) ([]Change, Ref) {
	ref := uint32(from) + 1
	for ; ref <= t.records.used && n > 0; ref, n = ref+1, n-1 {
		switch r := t.records.at(ref); {
		case r.state == 0:
		case t.stands(r):
			out = append(out, t.again(r))
		case gone(r.refusal) && !r.has(pending):
			out = append(out, Change{Op: Withdraw, Key: r.key.key(), Reason: r.refusal})
		}
	}
	if ref > t.records.used {
		return out, 0
	}
	return out, Ref(ref - 1)
}

// stands reports whether the kernel holds the record's route as it was last
// written.
func (t *Table) stands(r *record) bool {
	return r.has(exists) && !r.has(stale|lost) && (!r.has(pending) || r.has(refreshing))
}

// again is the change that would make the kernel's route anew, with the
// expiry that it has.
func (t *Table) again(r *record) Change {
	until := r.valid
	if r.expiry != noSecond {
		until = r.expiry.instant()
	}
	return Change{
		Op: Move, Key: r.key.key(), NextHop: r.hop.addr(), Interface: r.port,
		ValidUntil: t.time(until), Reason: r.verdict,
	}
}
