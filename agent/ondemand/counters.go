package ondemand

import "sync/atomic"

// A counter names one number of the detector's own; the kernel counts others
// (kernelCounters).
type counter uint8

const (
	received     counter = iota // reports that were read from the kernel
	lost                        // reports that the kernel could not hand over, by their numbers
	overruns                    // times that the kernel said so
	malformed                   // messages that can't be read
	refused                     // reports of what is none of our business, which the rules should not send
	passed                      // reports handed on
	dropped                     // reports that nobody had room for
	muted                       // addresses suppressed, those that were renewed included
	unmuted                     // suppressions taken back before their time
	refusedMutes                // suppressions that the kernel refused, such as for want of room
	rewritten                   // times that somebody else changed our table, and it was written again

	numCounters
)

// counterNames are a promise to whoever reads status or metrics.
var counterNames = [numCounters]string{
	received: "reports", lost: "reports_lost", overruns: "report_overruns",
	malformed: "reports_malformed", refused: "reports_refused",
	passed: "reports_passed", dropped: "reports_dropped",
	muted: "suppressed", unmuted: "unsuppressed", refusedMutes: "suppressions_refused",
	rewritten: "table_rewritten",
}

// counters are counted by the detector's goroutines and read by any.
type counters [numCounters]atomic.Uint64

// count adds one.
func (c *counters) count(of counter) { c[of].Add(1) }

// Kernel counters begin at zero when the table is written. A total goes on.
type total struct{ before, last uint64 }

// add takes in what the kernel says now, and returns all there ever was.
func (t *total) add(now uint64) uint64 {
	if now < t.last {
		t.before += t.last
	}
	t.last = now
	return t.before + t.last
}
