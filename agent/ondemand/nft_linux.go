package ondemand

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// checkEvery is how often the table and the interfaces are looked at without a
// cause: `nft flush ruleset`, which firewalls begin with, takes our table too.
const checkEvery = 5 * time.Second

// An NFT is a Detector made of a table of nftables and an NFLOG group.
type NFT struct {
	opts  Options
	kern  kernel
	table *table
	stats counters
	ready chan struct{}
	own   atomic.Pointer[map[netip.Addr]bool] // addresses of the box

	mu           sync.Mutex // guards what follows, and is held while the table is changed
	armed        bool       // the table is in the kernel
	access, core []span     // interfaces as the table has them
	mutes        mutes
	totals       map[string]*total // of the kernel's counters
}

var _ Detector = (*NFT)(nil)

// NewNFT returns an NFT. It opens nothing.
func NewNFT(o Options) *NFT {
	n := &NFT{opts: o.withDefaults(), ready: make(chan struct{}), totals: make(map[string]*total)}
	n.table = newTable(&n.opts)
	for _, name := range kernelCounters {
		n.totals[name] = &total{}
	}
	return n
}

// Ready is closed when the rules are in the kernel and their reports are read.
func (n *NFT) Ready() <-chan struct{} { return n.ready }

// Run writes the table, reads what its rules report until ctx ends, and removes
// the table. If there was one of that name, it is replaced in one transaction.
// The error wraps ErrCapability, ErrKernel or ErrGroupTaken where that is why.
func (n *NFT) Run(ctx context.Context, out chan<- Unknown) error {
	if err := n.kern.probe(); err != nil {
		return fmt.Errorf("detect unknown packets: %w", err)
	}
	log, err := openLog(n.kern.space, n.opts.Group, &n.stats)
	if err != nil {
		return fmt.Errorf("detect unknown packets: %w", err)
	}
	// Bound first: a second daemon fails there, before it takes the table from
	// the first.
	if err := n.write(); err != nil {
		return errors.Join(fmt.Errorf("detect unknown packets: %w", err), log.close())
	}
	close(n.ready)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return log.run(ctx, func(l logged) { n.found(out, &l) }) })
	group.Go(func() error { n.keep(ctx); return nil })
	return errors.Join(group.Wait(), n.disarm(), log.close())
}

// found hands a report on. The rules let no others through than those that
// count, but a table is a thing that others can change.
func (n *NFT) found(out chan<- Unknown, l *logged) {
	u, ok := l.unknown()
	if !ok || !n.counts(u.Address) {
		n.stats.count(refused)
		return
	}
	select {
	case out <- u:
		n.stats.count(passed)
	default:
		n.stats.count(dropped)
	}
}

// counts reports whether a is inside the blocks and could be a host's that is
// not this one.
func (n *NFT) counts(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || (*n.own.Load())[a] {
		return false
	}
	for _, p := range n.opts.Blocks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// write writes the table with the interfaces of now. Nothing is suppressed in a
// new one.
func (n *NFT) write() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.look()
	if err := n.table.write(n.kern, now); err != nil {
		return err
	}
	n.access, n.core = ports(&n.opts, now)
	n.mutes, n.armed = mutes{}, true
	return nil
}

// look returns the interfaces of now and remembers their addresses.
func (n *NFT) look() []Interface {
	now := n.opts.Interfaces()
	own := make(map[netip.Addr]bool)
	for _, i := range now {
		for _, p := range i.Addresses {
			own[p.Addr()] = true
		}
	}
	n.own.Store(&own)
	return now
}

// disarm removes the table, or leaves it.
func (n *NFT) disarm() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.tally() // for the last time
	n.armed = false
	if n.opts.Keep {
		return nil
	}
	return n.table.remove(n.kern)
}

// keep looks after the table until ctx ends.
func (n *NFT) keep(ctx context.Context) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	changed := n.opts.Changed
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case _, ok := <-changed:
			if !ok {
				changed = nil
			}
		}
		if err := n.check(); err != nil {
			n.opts.Log.WithError(err).Warn("the rules that detect unknown packets can't be kept, trying again")
		}
	}
}

// check writes the table again if somebody changed it, and the interfaces if
// others match now.
func (n *NFT) check() error {
	whole, err := n.table.whole(n.kern)
	if err != nil {
		return err
	}
	if !whole {
		n.stats.count(rewritten)
		n.opts.Log.WithField("table", n.opts.Table).
			Warn("somebody removed the rules that detect unknown packets, such as with nft flush ruleset: writing them again")
		return n.write()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	access, core := ports(&n.opts, n.look())
	if sameSpans(access, n.access) && sameSpans(core, n.core) {
		return nil
	}
	if err := n.table.rename(n.kern, access, core); err != nil {
		return err
	}
	n.access, n.core = access, core
	return nil
}

// Stats returns the numbers of now. If the kernel can't be asked, its numbers
// are those of the last time.
func (n *NFT) Stats() map[string]uint64 {
	out := make(map[string]uint64, int(numCounters)+len(kernelCounters)+1)
	for c, name := range counterNames {
		out[name] = n.stats[c].Load()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.tally(); err != nil {
		n.opts.Log.WithError(err).Debug("counters of the rules can't be read")
	}
	for name, t := range n.totals {
		out[name] = t.before + t.last
	}
	out["suppressions"] = n.mutes.count(time.Now())
	return out
}

// tally takes in the kernel's counters, with mu held.
func (n *NFT) tally() error {
	if !n.armed {
		return nil
	}
	now, err := n.table.count(n.kern)
	if err != nil {
		return err
	}
	for name, t := range n.totals {
		t.add(now[name])
	}
	return nil
}
