package binding

// Page appends to out up to n bindings behind from, in the order of memory,
// and returns where the next page goes on. The first page begins at 0; when
// nothing is appended there is no more. Between two pages the table may
// change: what comes or goes meanwhile may be in a page or not, what stays is
// in exactly one.
func (t *Table) Page(from Ref, n int, out []Binding) ([]Binding, Ref) {
	ref := uint32(from) + 1
	for ; ref <= t.records.used && n > 0; ref++ {
		if t.records.at(ref).state != 0 {
			out = append(out, t.binding(ref))
			n--
		}
	}
	return out, Ref(ref - 1)
}
