package gleaner

// A transaction is in two queues, oldest first: that of all transactions and
// that of its port.
const (
	inAll = iota
	inPort
)

// A link is a transaction's place in one queue.
type link struct{ older, newer int32 }

// A queue is a list of transactions in the order of their last message.
type queue struct {
	oldest, newest int32
	size           int
}

var emptyQueue = queue{oldest: none, newest: none}

// append puts a transaction that is in no queue at the new end of both.
func (t *transactions) append(i int32) {
	t.all = t.push(t.all, inAll, i)
	port := t.slots[i].port
	q, ok := t.ports[port]
	if !ok {
		q = emptyQueue
	}
	t.ports[port] = t.push(q, inPort, i)
}

// remove takes a transaction out of both queues.
func (t *transactions) remove(i int32) {
	t.all = t.pull(t.all, inAll, i)
	port := t.slots[i].port
	if q := t.pull(t.ports[port], inPort, i); q.size > 0 {
		t.ports[port] = q
	} else {
		delete(t.ports, port)
	}
}

func (t *transactions) push(q queue, which int, i int32) queue {
	t.slots[i].links[which] = link{older: q.newest, newer: none}
	if q.newest == none {
		q.oldest = i
	} else {
		t.slots[q.newest].links[which].newer = i
	}
	q.newest = i
	q.size++
	return q
}

func (t *transactions) pull(q queue, which int, i int32) queue {
	l := t.slots[i].links[which]
	if l.older == none {
		q.oldest = l.newer
	} else {
		t.slots[l.older].links[which].newer = l.newer
	}
	if l.newer == none {
		q.newest = l.older
	} else {
		t.slots[l.newer].links[which].older = l.older
	}
	q.size--
	return q
}
