package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// startPatience is how long systemd is asked to wait for the next sign of life
// of a daemon that is ready only when it has recovered: that may take longer
// than systemd waits for a start.
const startPatience = 30 * time.Second

// alive returns nil once the owner has taken part in a call: without it
// nothing that the daemon learns reaches the kernel. While the owner is stuck
// it does not return.
func (a *Agent) alive(ctx context.Context) error { return a.call(ctx, func() {}) }

// beat says something whenever every has passed and alive has returned nil
// since, until ctx ends. While alive does not return nothing is said.
func beat(ctx context.Context, every time.Duration, alive func(context.Context) error, say func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if alive(ctx) == nil {
			say()
		}
	}
}

// watchdog tells systemd that the daemon lives, twice in the time that the
// unit allows (WatchdogSec). Without one it does nothing.
func (a *Agent) watchdog(ctx context.Context) {
	within, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		a.log.WithError(err).Warn("no watchdog: what systemd says about it makes no sense")
		return
	}
	if within > 0 {
		beat(ctx, within/2, a.alive, func() { a.notify.send(daemon.SdNotifyWatchdog) })
	}
}

// readyWhenRecovered says that the daemon is ready once it has recovered, and
// asks systemd to wait however long that takes.
func (a *Agent) readyWhenRecovered(ctx context.Context) {
	tick := time.NewTicker(startPatience / 3)
	defer tick.Stop()
	for {
		if a.alive(ctx) == nil {
			a.notify.send(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", startPatience.Microseconds()))
		}
		select {
		case <-ctx.Done():
			return
		case <-a.owner.recovery.reached:
			a.notify.send(daemon.SdNotifyReady)
			return
		case <-tick.C:
		}
	}
}
