package gleaner

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"leaseroute/binding"
)

func exchangeOf(peer byte, client string, xid uint32) exchange {
	return exchange{peer: [16]byte{15: peer}, client: []byte(client), xid: xid}
}

// A flood of new clients on one port is bounded, and is not felt on another.
func TestFloodStaysOnItsPort(t *testing.T) {
	const limit = 100
	var stats counters
	tr := newTransactions(limit, time.Minute, &stats)
	now := epoch
	for n := range uint32(10) {
		tr.open(exchangeOf(1, "a calm client", n), acc0+binding.Interface(n)*10, request, now)
	}
	for n := range uint32(100_000) {
		now = now.Add(time.Microsecond)
		tr.open(exchangeOf(2, fmt.Sprintf("flooder %d", n), n), acc1, solicit, now)
	}
	for n := range uint32(10) {
		if _, got := tr.find(exchangeOf(1, "a calm client", n), acc0+binding.Interface(n)*10, 1, now); got != matchFound {
			t.Errorf("calm client %d: match %d", n, got)
		}
	}
	if s := stats.snapshot().values; len(tr.slots) > limit || s[transactionsOpen] != limit || s[transactionsEvicted] != 100_000+10-limit {
		t.Errorf("%d slots, %d open, %d evicted", len(tr.slots), s[transactionsOpen], s[transactionsEvicted])
	}
}

// An answered transaction that makes room is no loss, and not counted as one.
func TestAnsweredTransactionsMakeRoom(t *testing.T) {
	var stats counters
	tr := newTransactions(2, time.Minute, &stats)
	for n := range uint32(5) {
		x := exchangeOf(1, fmt.Sprint("client ", n), n)
		tr.open(x, acc0, request, epoch)
		if _, got := tr.find(x, acc0, 1, epoch); got != matchFound {
			t.Fatalf("client %d: match %d", n, got)
		}
	}
	if s := stats.snapshot().values; s[transactionsEvicted] != 0 || s[transactionsExpired] != 3 || s[transactionsOpen] != 2 {
		t.Errorf("%d evicted, %d expired, %d open; want 0, 3, 2", s[transactionsEvicted], s[transactionsExpired], s[transactionsOpen])
	}
}

func TestOneClientIsBounded(t *testing.T) {
	var stats counters
	tr := newTransactions(1000, time.Minute, &stats)
	for n := range uint32(maxPerClient + 1) {
		tr.open(exchangeOf(1, "client", n), acc0, request, epoch)
	}
	if _, got := tr.find(exchangeOf(1, "client", 0), acc0, 1, epoch); got != matchNone {
		t.Errorf("the oldest of %d is still there: match %d", maxPerClient+1, got)
	}
	if _, got := tr.find(exchangeOf(1, "client", 1), acc0, 1, epoch); got != matchFound {
		t.Errorf("the second oldest is gone: match %d", got)
	}
	for n := range binding.Interface(2 * maxChain) { // clones, each on a port of its own
		tr.open(exchangeOf(2, "clone", 1), 1000+n, request, epoch)
	}
	if _, got := tr.find(exchangeOf(2, "clone", 1), 1000, 1, epoch); got != matchOther {
		t.Errorf("the oldest clone is still there: match %d", got)
	}
	if _, got := tr.find(exchangeOf(2, "clone", 1), 1000+maxChain, 1, epoch); got != matchFound {
		t.Errorf("a new clone is gone: match %d", got)
	}
}

// Opening again for a client that was there costs no memory.
func TestOpenDoesNotAllocate(t *testing.T) {
	var stats counters
	tr := newTransactions(64, time.Minute, &stats)
	x, n := exchangeOf(1, "a client with a long name", 0), uint32(0)
	open := func() {
		n++
		x.xid = n
		x.client[0] = byte(n)
		tr.open(x, binding.Interface(n%3+1), request, epoch)
		tr.find(x, 0, 1, epoch)
	}
	for range 2000 {
		open()
	}
	if got := testing.AllocsPerRun(1000, open); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// A slow, obvious table: everything in one slice, in the order of the last
// message.
type plainTransactions struct {
	max int
	ttl time.Duration
	all []plainTransaction
}

type plainTransaction struct {
	x        exchange
	client   string
	port     binding.Interface
	at       time.Time
	answered map[binding.Server]bool
}

func (p *plainTransactions) is(i int, x exchange, port binding.Interface) bool {
	t := p.all[i]
	return t.x.peer == x.peer && t.client == string(x.client) && t.x.xid == x.xid && t.x.direct == x.direct && (port == 0 || t.port == port)
}

func (p *plainTransactions) expire(now time.Time) {
	for len(p.all) > 0 && now.Sub(p.all[0].at) > p.ttl {
		p.all = p.all[1:]
	}
}

func (p *plainTransactions) drop(i int) {
	p.all = append(p.all[:i:i], p.all[i+1:]...)
}

func (p *plainTransactions) open(x exchange, port binding.Interface, now time.Time) {
	p.expire(now)
	fresh := plainTransaction{x: x, client: string(x.client), port: port, at: now, answered: map[binding.Server]bool{}}
	for i := range p.all {
		if p.is(i, x, port) {
			p.drop(i)
			p.all = append(p.all, fresh)
			return
		}
	}
	if len(p.all) >= p.max {
		p.drop(p.victim(port))
	}
	p.all = append(p.all, fresh)
}

func (p *plainTransactions) victim(port binding.Interface) int {
	sizes := map[binding.Interface]int{}
	for _, t := range p.all {
		sizes[t.port]++
	}
	for i, t := range p.all {
		if t.port == port && sizes[port]*len(sizes) > len(p.all) {
			return i
		}
	}
	return 0
}

func (p *plainTransactions) find(x exchange, port binding.Interface, by binding.Server, now time.Time) match {
	p.expire(now)
	var hits []int
	for i := range p.all {
		if p.is(i, x, port) {
			hits = append(hits, i)
		}
	}
	switch {
	case len(hits) > 1:
		return matchOther
	case len(hits) == 0:
		for i := range p.all {
			if p.is(i, x, 0) {
				return matchOther
			}
		}
		return matchNone
	case p.all[hits[0]].answered[by]:
		return matchRepeated
	}
	p.all[hits[0]].answered[by] = true
	return matchFound
}

func TestTransactionsAgainstModel(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var stats counters
		tr := newTransactions(30, 50*time.Second, &stats)
		model := &plainTransactions{max: 30, ttl: 50 * time.Second}
		now := epoch
		for range 5000 {
			now = now.Add(time.Duration(r.IntN(2000)) * time.Millisecond)
			x := exchangeOf(byte(r.IntN(3)), fmt.Sprint("client", r.IntN(8)), uint32(r.IntN(2)))
			x.direct = r.IntN(8) == 0
			port := binding.Interface(r.IntN(3) + 1)
			if r.IntN(2) == 0 {
				tr.open(x, port, request, now)
				model.open(x, port, now)
				continue
			}
			by := binding.Server(r.IntN(2))
			port = binding.Interface(r.IntN(4))
			if _, got := tr.find(x, port, by, now); got != model.find(x, port, by, now) {
				t.Fatalf("seed %d: find says %d, the model does not", seed, got)
			}
		}
		if int(stats.snapshot().values[transactionsOpen]) != len(model.all) || len(tr.ports) > 3 {
			t.Fatalf("seed %d: %d open, the model has %d", seed, stats.snapshot().values[transactionsOpen], len(model.all))
		}
	}
}
