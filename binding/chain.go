package binding

// links tie a record into a chain: a ring whose head is kept elsewhere, so
// that the last element is the head's predecessor.
type links struct{ next, prev uint32 }

// A chain knows where records keep one of their links.
type chain struct {
	of func(ref uint32) *links
}

func (c chain) pushBack(head *uint32, ref uint32) {
	l := c.of(ref)
	if *head == 0 {
		*head, l.next, l.prev = ref, ref, ref
		return
	}
	first := c.of(*head)
	l.next, l.prev = *head, first.prev
	c.of(first.prev).next = ref
	first.prev = ref
}

func (c chain) pushFront(head *uint32, ref uint32) {
	c.pushBack(head, ref)
	*head = ref
}

func (c chain) remove(head *uint32, ref uint32) {
	l := c.of(ref)
	if l.next == ref {
		*head = 0
	} else {
		c.of(l.prev).next, c.of(l.next).prev = l.next, l.prev
		if *head == ref {
			*head = l.next
		}
	}
	*l = links{}
}

// after returns the element after ref, or 0 if ref is the last.
func (c chain) after(head, ref uint32) uint32 {
	if n := c.of(ref).next; n != head {
		return n
	}
	return 0
}

// longestWalk bounds how far a chain is followed for one observation: a
// client with more leases than that is no client, and may find that a slot or
// a borrowed next hop reaches its later leases only by their next renewal.
const longestWalk = 1024

// walk calls visit with the elements, which may move to another place in the
// chain or leave it meanwhile, until it returns false.
func (c chain) walk(head uint32, visit func(ref uint32) bool) {
	for ref, n := head, 0; ref != 0 && n < longestWalk; n++ {
		next := c.after(head, ref)
		if !visit(ref) {
			return
		}
		ref = next
	}
}
