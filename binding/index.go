package binding

// An index finds elements of a slab by their hash: open addressing with linear
// probing, four octets a slot. A slot holds an element's number and, above it,
// a few bits of its hash, so that nearly all elements that are looked at are
// the one that is wanted: with a million of them each look is a cache miss. A
// deletion moves later elements up, so that no marks are left behind.
type index struct {
	slots []uint32 // 0: empty; the length is a power of two
	used  int

	touched uint32 // means nothing, but keeps a read in grow from being optimised away

	hash func(n uint32) uint64    // of element n
	each func(yield func(uint32)) // all elements, in the order of memory
}

const (
	firstSlots = 1 << 6
	pageSlots  = 4096 / 4 // of the smallest page that Linux has
	numberBits = 24
	numberMask = 1<<numberBits - 1
)

// slotOf is what a slot holds for element n.
func slotOf(hash uint64, n uint32) uint32 {
	return uint32(hash>>(64-32+numberBits))<<numberBits | n
}

// find returns the element with this hash for which equal holds, or 0.
func (x *index) find(hash uint64, equal func(n uint32) bool) uint32 {
	if len(x.slots) == 0 {
		return 0
	}
	mask, tag := uint64(len(x.slots)-1), slotOf(hash, 0)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := x.slots[i]
		if s == 0 {
			return 0
		}
		if n := s & numberMask; s&^numberMask == tag && equal(n) {
			return n
		}
	}
}

// insert adds an element that is not in the index; each must yield it too.
func (x *index) insert(hash uint64, n uint32) {
	x.used++
	if x.used*4 > len(x.slots)*3 {
		x.grow()
		return
	}
	x.place(hash, n)
}

func (x *index) place(hash uint64, n uint32) {
	mask := uint64(len(x.slots) - 1)
	i := hash & mask
	for x.slots[i] != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = slotOf(hash, n)
}

// grow doubles the slots. The elements are read in the order of memory, which
// is much faster than in that of the old slots. Those of a group have their
// places read first, so that the processor fetches them side by side.
func (x *index) grow() {
	x.slots = make([]uint32, max(firstSlots, 2*len(x.slots)))
	for i := 0; i < len(x.slots); i += pageSlots { // written before it is read: see slab.alloc
		x.slots[i] = 0
	}
	var group [64]struct {
		hash uint64
		n    uint32
	}
	mask, waiting := uint64(len(x.slots)-1), 0
	flush := func() {
		for _, e := range group[:waiting] {
			x.touched += x.slots[e.hash&mask]
		}
		for _, e := range group[:waiting] {
			x.place(e.hash, e.n)
		}
		waiting = 0
	}
	x.each(func(n uint32) {
		group[waiting].hash, group[waiting].n = x.hash(n), n
		if waiting++; waiting == len(group) {
			flush()
		}
	})
	flush()
}

// remove takes element n out.
func (x *index) remove(hash uint64, n uint32) {
	mask := uint64(len(x.slots) - 1)
	i := hash & mask
	for x.slots[i]&numberMask != n {
		i = (i + 1) & mask
	}
	x.used--
	for j := (i + 1) & mask; x.slots[j] != 0; j = (j + 1) & mask {
		// The element at j may move to the gap at i if its home is not
		// between the two.
		home := x.hash(x.slots[j]&numberMask) & mask
		if (j-home)&mask >= (j-i)&mask {
			x.slots[i] = x.slots[j]
			i = j
		}
	}
	x.slots[i] = 0
}
