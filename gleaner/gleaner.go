package gleaner

import (
	"context"
	"net/netip"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"leaseroute/binding"
)

// Defaults of the options.
const (
	DefaultBuffer          = 16 << 20
	DefaultMaxTransactions = 1 << 16
	DefaultTransactionTTL  = time.Minute
)

// Options is what a Gleaner needs. The functions may be called from any
// goroutine, and must not wait.
type Options struct {
	Servers []Server

	// Interfaces returns the interfaces of now. Those that are neither access
	// nor core count only by their addresses. It is called often; the slice is
	// the gleaner's.
	Interfaces func() []Interface
	// Changed says that interfaces came or went. It may be closed, or nil: it
	// only makes it sooner that this is noticed.
	Changed <-chan struct{}

	// Resolve says where a client is whose message passed the relays, the one
	// nearest the server first (DESIGN.md 4): interface 0 if they do not tell.
	// It must not keep the slices. It may be nil: then the port that a message
	// came by and its relay layers decide.
	Resolve func(relays []binding.Relay) (binding.Interface, netip.Addr)

	// Out takes what is learnt. The gleaner never closes it.
	Out chan<- *binding.Batch

	// Question is told of clients on a port of ours whose Reply can't be
	// learnt from, because their request was not seen, because they released
	// something meanwhile, or because it confirms without saying until when: a
	// server should be asked. At most some dozens a second are told. It copies
	// the DUID if it keeps it. It may be nil.
	Question func(client []byte, port binding.Interface)

	Buffer          int  // receive buffer in octets; 0: DefaultBuffer
	Outgoing        bool // there is a DHCP server on this box: watch what leaves, too
	MaxTransactions int  // 0: DefaultMaxTransactions
	// TransactionTTL is how long after its client's last message a transaction
	// may be answered; 0: DefaultTransactionTTL. Clients repeat messages
	// with the same transaction-id (RFC 8415, section 15).
	TransactionTTL time.Duration

	Log *logrus.Entry
}

// A Gleaner learns leases from the messages that pass its interfaces.
type Gleaner struct {
	opts    Options
	stats   counters
	chunks  *chunks
	capture *capture
	matcher *matcher
}

// New returns a Gleaner. It opens nothing.
func New(o Options) *Gleaner {
	if o.Buffer <= 0 {
		o.Buffer = DefaultBuffer
	}
	if o.MaxTransactions <= 0 {
		o.MaxTransactions = DefaultMaxTransactions
	}
	if o.TransactionTTL <= 0 {
		o.TransactionTTL = DefaultTransactionTTL
	}
	g := &Gleaner{opts: o}
	g.chunks = newChunks(&g.stats)
	g.capture = newCapture(&g.opts, g.chunks, &g.stats)
	g.matcher = newMatcher(&g.opts, &g.stats)
	return g
}

// Ready is closed when the capture runs: what passes from then on is seen. It
// stays open if Run returns an error before.
func (g *Gleaner) Ready() <-chan struct{} { return g.capture.ready }

// Stats returns the numbers of now, the kernel's included.
func (g *Gleaner) Stats() Stats {
	g.capture.tally()
	return g.stats.snapshot()
}

// Run gleans until ctx ends, and then returns nil. Its error says that the
// packet socket can't be opened, or read: it wraps EPERM without CAP_NET_RAW.
func (g *Gleaner) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { g.decode(ctx); return nil })
	group.Go(func() error { return g.capture.run(ctx) })
	return group.Wait()
}

// decode is the goroutine that owns the matcher. It takes packets from the
// reader and hands on what they teach, and keeps no observation back to fill a
// batch.
func (g *Gleaner) decode(ctx context.Context) {
	batch := binding.NewBatch()
	defer func() { batch.Free() }()
	changed := g.opts.Changed
	g.look()
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-changed:
			if !ok {
				changed = nil
			}
			g.look()
		case k := <-g.chunks.full:
			batch = g.takeChunk(ctx, k, batch)
		}
	}
}

// takeChunk judges a chunk of packets, and returns an empty batch.
func (g *Gleaner) takeChunk(ctx context.Context, k *chunk, batch *binding.Batch) *binding.Batch {
	for i := range k.packets {
		p := &k.packets[i]
		if g.matcher.ports.stale(p.index, p.at) {
			g.look()
		}
		g.stats.count(g.matcher.take(p, batch))
		if batch.Full() {
			batch = g.send(ctx, batch)
		}
	}
	g.chunks.put(k)
	if len(batch.Observations) > 0 {
		batch = g.send(ctx, batch)
	}
	return batch
}

// look renews the matcher's view of the interfaces.
func (g *Gleaner) look() {
	g.matcher.ports = newPorts(g.opts.Interfaces(), time.Now())
	g.stats[interfaces].Store(uint64(len(g.matcher.ports.byIndex)))
}

// send hands a batch on and returns another. Once ctx has ended nobody takes
// what is learnt.
func (g *Gleaner) send(ctx context.Context, batch *binding.Batch) *binding.Batch {
	select {
	case g.opts.Out <- batch:
	case <-ctx.Done():
		batch.Free()
	}
	return binding.NewBatch()
}
