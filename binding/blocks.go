package binding

// blockBits says how many neighbouring records share a summary (256): what is
// to be found by time or by question is looked for in the summaries first.
const blockBits = 8

// blocks are the summaries. They are exact or err on the side of a useless
// look; a look corrects them.
type blocks struct {
	ends []instant // no record of the block ends earlier
	near []instant // no record of the block is close to its end earlier
	asks []uint64  // the servers that are to be asked about some record of the block
}

func (b *blocks) of(ref uint32) int {
	i := int(ref >> blockBits)
	for i >= len(b.ends) {
		b.ends = append(b.ends, forever)
		b.near = append(b.near, forever)
		b.asks = append(b.asks, 0)
	}
	return i
}

// inBlock calls visit with each record of block i.
func (t *Table) inBlock(i int, visit func(ref uint32, r *record)) {
	last := min(uint32(i+1)<<blockBits-1, t.records.used)
	for ref := max(uint32(i)<<blockBits, 1); ref <= last; ref++ {
		if r := t.records.at(ref); r.state != 0 {
			visit(ref, r)
		}
	}
}
