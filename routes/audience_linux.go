package routes

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// deepQueue is how much a listener may have waiting when it is told more:
	// with a page of repeats that is well within the buffer that a socket has
	// by default (208 KiB). One that was seen with a longer queue has a larger
	// buffer, of which it may use half.
	deepQueue = 64 << 10
	// catchUp bounds one wait for listeners, since changes wait meanwhile.
	catchUp = 10 * time.Millisecond
	// stuckAfter is when a listener that takes nothing is waited for no more.
	stuckAfter = 2 * time.Second
)

// An audience is who else hears of routes in our network namespace, and what
// each has lost. It belongs to the installer.
type audience struct {
	file *os.File            // /proc/net/netlink of the namespace, opened once
	ours map[uint64]bool     // sockets of our own
	all  map[uint64]listener // all others, by inode
	lost map[uint64]Listener // those that lost messages since Open
}

// A listener is what is known of one socket.
type listener struct {
	ear
	told uint32 // its drops at the last look
	most int64  // the longest queue that it was seen with

	// deaf is set while the socket has lost a message and not yet read all
	// others: until then the kernel gives it nothing at all (Linux 6.18,
	// NETLINK_S_CONGESTED).
	deaf bool
	idle time.Time // since when its queue is just so long
}

// openAudience begins to look, in the caller's network namespace: what was
// lost until now does not count. Our own sockets are left out.
func openAudience(ours ...int) (*audience, error) {
	a := &audience{ours: make(map[uint64]bool), lost: make(map[uint64]Listener)}
	for _, fd := range ours {
		var s unix.Stat_t
		if err := unix.Fstat(fd, &s); err != nil {
			return nil, os.NewSyscallError("fstat", err)
		}
		a.ours[s.Ino] = true
	}
	var err error
	// Not that of the process, which is its first thread's: tests are elsewhere.
	if a.file, err = os.Open("/proc/thread-self/net/netlink"); err != nil {
		return nil, err
	}
	if err := a.read(); err != nil {
		a.file.Close()
		return nil, err
	}
	for inode, l := range a.all {
		l.told = l.drops
		a.all[inode] = l
	}
	return a, nil
}

// read renews what is known. A socket that is gone is forgotten.
func (a *audience) read() error {
	if _, err := a.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	text, err := io.ReadAll(a.file)
	if err != nil {
		return err
	}
	ears, err := parseListeners(string(text))
	if err != nil {
		return err
	}
	now, all := time.Now(), make(map[uint64]listener, len(ears))
	for inode, e := range ears {
		if !a.ours[inode] {
			all[inode] = a.all[inode].heard(e, now)
		}
	}
	a.all = all
	return nil
}

// heard returns what is known after a read.
func (l listener) heard(e ear, now time.Time) listener {
	l.deaf = e.queued > 0 && (l.deaf || e.drops != l.drops)
	if e.queued != l.queued || l.idle.IsZero() {
		l.idle = now
	}
	l.most, l.ear = max(l.most, e.queued), e
	return l
}

// look returns how many messages were lost since the last look. A socket that
// is new has lost all that it ever lost.
func (a *audience) look() (sum uint64, err error) {
	if err := a.read(); err != nil {
		return 0, err
	}
	for inode, l := range a.all {
		missed := l.drops - l.told // wraps as the counter does
		if missed == 0 {
			continue
		}
		sum += uint64(missed)
		loser, known := a.lost[inode]
		if !known {
			loser.Inode = inode
			loser.Pid, loser.Program = holder(inode)
		}
		loser.Lost += uint64(missed)
		a.lost[inode] = loser
		l.told = l.drops
		a.all[inode] = l
	}
	for inode := range a.lost {
		if _, there := a.all[inode]; !there {
			delete(a.lost, inode)
		}
	}
	return sum, nil
}

// caughtUp waits a little until those who listen have read enough of what they
// were told, and reports whether they have.
func (a *audience) caughtUp(ctx context.Context) (bool, error) {
	pause := time.NewTicker(catchUp / 10)
	defer pause.Stop()
	for range 10 {
		if err := a.read(); err != nil {
			return false, err
		}
		if !a.behind() {
			return true, nil
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return false, nil
}

// behind reports whether anybody must not be told more yet. Who reads nothing
// is not waited for.
func (a *audience) behind() bool {
	now := time.Now()
	for _, l := range a.all {
		full := l.deaf || l.queued > max(deepQueue, l.most/2)
		if full && now.Sub(l.idle) < stuckAfter {
			return true
		}
	}
	return false
}

func (a *audience) close() error { return a.file.Close() }

// openMissing says of an audience that can't be looked at what that means.
func openMissing(err error) error {
	return fmt.Errorf("see what routing daemons lose of our changes: %w", err)
}
