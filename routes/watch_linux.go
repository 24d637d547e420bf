package routes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxEvents bounds what one round of Watch gathers before it hands events on.
const maxEvents = 512

// Watch sends what happens in the kernel, our own doings excepted, until ctx
// ends; then it returns nil. Links is renewed before an event about a link is
// sent. A slow reader costs an Overflow, nothing else. The channel is not
// closed.
func (k *Kernel) Watch(ctx context.Context, events chan<- Event) error {
	if err := k.monitor.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { k.monitor.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	conn, err := k.monitor.SyscallConn()
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	w := &watcher{Kernel: k, conn: conn, buffer: make([]byte, bufferSize)}
	w.seed(k.links.now.Load())
	for {
		err := w.gather()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		for _, e := range w.events {
			select {
			case events <- e:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// A watcher is one call of Watch.
type watcher struct {
	*Kernel
	conn   syscall.RawConn
	buffer []byte

	devices map[int32]device // as the messages tell, in their order
	touched bool             // links or addresses changed: the snapshot is old
	lost    bool             // messages were
	events  []Event
}

// gather waits for a message, takes in what else is there, and leaves the
// events. Links is renewed once for all of them.
func (w *watcher) gather() error {
	w.events, w.touched, w.lost = w.events[:0], false, false
	n, err := w.read(true)
	for n > 0 && err == nil && len(w.events) < maxEvents {
		if err = w.take(w.buffer[:n]); err == nil {
			n, err = w.read(false)
		}
	}
	switch {
	case errors.Is(err, unix.ENOBUFS):
		w.lost = true
	case err != nil:
		return err
	}
	return w.finish()
}

// read returns the length of the next datagram: 0 if there is none and wait is
// not set.
func (w *watcher) read(wait bool) (n int, err error) {
	failed := w.conn.Read(func(fd uintptr) bool {
		n, err = unix.Read(int(fd), w.buffer)
		for err == unix.EINTR {
			n, err = unix.Read(int(fd), w.buffer)
		}
		if err == unix.EAGAIN && !wait {
			n, err = 0, nil
		}
		return err != unix.EAGAIN
	})
	if failed != nil {
		return 0, failed
	}
	return n, os.NewSyscallError("read netlink", err)
}

// take turns the messages of one datagram into events.
func (w *watcher) take(b []byte) error {
	return each(b, func(m message) error {
		switch m.kind {
		case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
			r, err := parseRoute(m.payload)
			if err == nil && r.table == w.options.Table && !r.cached {
				w.route(notice{gone: m.kind == unix.RTM_DELROUTE, r: r}, m.flags&unix.NLM_F_REPLACE != 0)
			}
			return err
		case unix.RTM_NEWLINK, unix.RTM_DELLINK:
			return w.link(m)
		case unix.RTM_NEWADDR, unix.RTM_DELADDR:
			w.touched = true
		}
		return nil
	})
}

// finish renews the snapshot where that is due and adds the events that only
// the comparison tells.
func (w *watcher) finish() error {
	if w.lost {
		w.overflows.Add(1)
		w.log.Warn("the kernel had to drop events; an audit will tell what they were")
	}
	if w.touched || w.lost {
		old := w.links.now.Load()
		if err := w.links.refresh(w.query); err != nil {
			return err
		}
		w.compare(old, w.links.now.Load())
	}
	if w.lost {
		w.event(Event{Kind: Overflow})
	}
	return nil
}

func (w *watcher) event(e Event) {
	w.events = append(w.events, e)
}
