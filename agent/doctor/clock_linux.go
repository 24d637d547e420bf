package doctor

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// sane is a date that no clock should be before.
var sane = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// lookAtClock looks at the wall clock, by which the state file is judged after
// a reboot. All else goes by a clock that nobody sets.
func lookAtClock(context.Context, *Patient) []Finding {
	if now := time.Now(); now.Before(sane) {
		return []Finding{{
			Level: Warn, Found: "the clock says " + now.UTC().Format(time.RFC3339),
			Why: "nothing in the state file expires by such a clock: all of it is asked about", Fix: "set the clock before the daemon starts, such as by chrony with makestep",
		}}
	}
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err == nil && (state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0) {
		return []Finding{{
			Level: Note, Found: "the kernel's clock is not synchronised",
			Why: "leases in the state file are judged by it after a reboot; running, nothing depends on it", Fix: "run chrony or systemd-timesyncd",
		}}
	}
	return []Finding{ok("", "synchronised")}
}
