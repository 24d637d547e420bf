package binding

// chunkLen is the number of elements that a slab allocates at once: with a
// record of 104 octets a chunk is a whole number of pages.
const chunkLen = 1 << chunkBits

const chunkBits = 10

// A slab holds elements that never move, numbered from 1. T has no pointers,
// so the garbage collector does not look inside.
type slab[T any] struct {
	chunks []*[chunkLen]T
	used   uint32   // elements ever handed out
	free   []uint32 // elements given back
}

// at returns element n. It is valid as long as the slab.
func (s *slab[T]) at(n uint32) *T {
	return &s.chunks[n>>chunkBits][n%chunkLen]
}

// alloc hands out an element as it was given back, or a zero one. A new one is
// written to before anybody reads it: read first, fresh memory is the kernel's
// shared page of zeros, and to replace that at the first write interrupts all
// CPUs.
func (s *slab[T]) alloc() uint32 {
	if last := len(s.free) - 1; last >= 0 {
		n := s.free[last]
		s.free = s.free[:last]
		return n
	}
	s.used++
	if int(s.used>>chunkBits) == len(s.chunks) {
		s.chunks = append(s.chunks, new([chunkLen]T))
	}
	*s.at(s.used) = *new(T)
	return s.used
}

func (s *slab[T]) release(n uint32) {
	s.free = append(s.free, n)
}
