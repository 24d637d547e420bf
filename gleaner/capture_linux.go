package gleaner

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// retryAfter is how long after a socket could not be opened it is tried again.
const retryAfter = time.Second

// A capture has a tap on each configured interface that is there.
//
// One socket for each, and not one for all: a tap costs every packet of the
// interfaces that it is on some 60 ns, and one that is on all of them 100 ns
// (ONDEMAND.md 3.5), on interfaces that are none of our business too, and again
// on each layer that a packet passes (Ethernet, VLAN, PPP). Besides, each
// socket has a buffer of its own, so that a subscriber's flood does not push
// out what the servers say. An idle tap costs a descriptor and a goroutine.
type capture struct {
	opts   *Options
	space  int // network namespace, a descriptor; 0: our own
	chunks *chunks
	stats  *counters

	taps    map[int]*tap           // by index; belongs to run
	open    atomic.Pointer[[]*tap] // the same, for tally
	changed <-chan struct{}        // nil once it was closed
	ready   chan struct{}          // closed once all interfaces of the first look are watched
	lost    chan struct{}          // of one: a tap ended by itself
	small   bool                   // it was said that the buffer is smaller than wished
}

func newCapture(o *Options, c *chunks, stats *counters) *capture {
	return &capture{
		opts: o, chunks: c, stats: stats,
		taps:    make(map[int]*tap),
		changed: o.Changed,
		ready:   make(chan struct{}),
		lost:    make(chan struct{}, 1),
	}
}

// run keeps the taps in step with the interfaces until ctx ends. It returns an
// error if taps can't be opened at all. The taps run in g.
func (c *capture) run(ctx context.Context, g *errgroup.Group) error {
	for first := true; ; first = false {
		complete, err := c.sync(ctx, g)
		if err != nil {
			return err
		}
		if first {
			close(c.ready)
		}
		if !c.pause(ctx, complete) {
			return nil
		}
	}
}

// pause waits until the interfaces should be looked at again. It returns false
// once ctx has ended. A tap that failed is not opened again at once: what made
// it fail may last.
func (c *capture) pause(ctx context.Context, complete bool) bool {
	var retry <-chan time.Time
	if !complete {
		retry = time.After(retryAfter)
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case _, ok := <-c.changed:
			if !ok {
				c.changed = nil
			}
			return true
		case <-c.lost:
			retry = time.After(retryAfter)
		case <-retry:
			return true
		}
	}
}

// sync opens and closes taps. complete is false if one should be tried again.
func (c *capture) sync(ctx context.Context, g *errgroup.Group) (complete bool, err error) {
	wanted := make(map[int]*Interface)
	for _, i := range c.opts.Interfaces() {
		if i.Access || i.Core {
			wanted[i.Index] = &i
		}
	}
	for index, t := range c.taps {
		if w := wanted[index]; w == nil || w.Name != t.name || !t.attached() {
			t.cancel()
			delete(c.taps, index)
		}
	}
	complete = true
	for index, i := range wanted {
		if c.taps[index] != nil {
			continue
		}
		err := c.start(ctx, g, i)
		switch {
		case err == nil, errors.Is(err, unix.ENODEV): // gone again
		case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
			return false, err
		default:
			complete = false
			c.opts.Log.WithError(err).WithField("link", i.Name).Warn("interface is not watched, trying again")
		}
	}
	c.publish()
	return complete, nil
}

// start opens a tap and lets it run.
func (c *capture) start(ctx context.Context, g *errgroup.Group, i *Interface) error {
	t, err := openTap(i, c)
	if err != nil {
		c.stats.count(openFailures)
		return err
	}
	c.tellBuffer(t)
	ctx, t.cancel = context.WithCancel(ctx)
	c.taps[i.Index] = t
	g.Go(func() error {
		defer t.cancel()
		if err := t.run(ctx); err != nil {
			c.opts.Log.WithError(err).WithField("link", t.name).Warn("interface is no longer watched, trying again")
			select {
			case c.lost <- struct{}{}:
			default:
			}
		}
		return nil
	})
	c.opts.Log.WithField("link", i.Name).Debug("interface is watched")
	return nil
}

// tellBuffer says once that the kernel granted less than was asked for.
func (c *capture) tellBuffer(t *tap) {
	size, err := t.buffer()
	if err != nil || size >= c.opts.Buffer || c.small {
		return
	}
	c.small = true
	c.opts.Log.WithFields(logrus.Fields{"buffer": size, "wanted": c.opts.Buffer}).
		Warn("receive buffer is smaller than wished: CAP_NET_ADMIN is missing and net.core.rmem_max is low")
}

// publish shows the taps to tally.
func (c *capture) publish() {
	taps := make([]*tap, 0, len(c.taps))
	for _, t := range c.taps {
		taps = append(taps, t)
	}
	c.open.Store(&taps)
	alive := slices.DeleteFunc(slices.Clone(taps), func(t *tap) bool { return t.dead.Load() })
	c.stats[interfaces].Store(uint64(len(alive)))
}

// tally collects the kernel's numbers. Any goroutine may call it.
func (c *capture) tally() {
	if taps := c.open.Load(); taps != nil {
		for _, t := range *taps {
			t.tally()
		}
	}
}
