//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// WaitHeld waits until done says that the leases that dhcpd holds are as they
// should be. It is asked at once and whenever dhcpd has written, not when a
// lease runs out.
func (d *Dhcpd) WaitHeld(ctx context.Context, done func([]Lease) bool) error {
	return waitHeld(ctx, d.dir, d.Held, done)
}

// WaitHeld waits until done says that the leases that Kea holds are as they
// should be. It is asked at once and whenever Kea has written, not when a
// lease runs out.
func (k *Kea) WaitHeld(ctx context.Context, done func([]Lease) bool) error {
	return waitHeld(ctx, k.dir, k.Held, done)
}

func waitHeld(ctx context.Context, dir string, held func(time.Time) ([]Lease, error), done func([]Lease) bool) error {
	return followDir(ctx, dir, func() (bool, error) {
		leases, err := held(time.Now())
		return err == nil && done(leases), err
	})
}

// followDir calls done, and again whenever something in a folder was written,
// until that is true or an error.
func followDir(ctx context.Context, dir string, done func() (bool, error)) error {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("follow %s: %w", dir, err)
	}
	changes := os.NewFile(uintptr(fd), "inotify")
	defer changes.Close()
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY|unix.IN_MOVED_TO); err != nil {
		return fmt.Errorf("follow %s: %w", dir, err)
	}
	defer context.AfterFunc(ctx, func() { changes.SetReadDeadline(past) })()
	for buf := make([]byte, 64<<10); ; {
		if ok, err := done(); ok || err != nil {
			return err
		}
		if _, err := changes.Read(buf); err != nil {
			return fmt.Errorf("follow %s: %w", dir, errors.Join(err, context.Cause(ctx)))
		}
	}
}
