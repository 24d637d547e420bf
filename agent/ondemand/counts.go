package ondemand

import "sync/atomic"

// counts are what an engine counts, read from any goroutine.
type counts struct {
	noticed, outside, suppressed, collapsed             atomic.Uint64
	shedQueue, shedOutstanding, shedInterface, shedRate atomic.Uint64
	lookups, found, unrouted, denied, unanswered        atomic.Uint64
	unchanged                                           atomic.Uint64
	forgotten, suppressFailures, shedSuppressions       atomic.Uint64
}

// count notes what came of a lookup.
func (c *counts) count(v verdict) {
	switch v {
	case overtaken:
		c.collapsed.Add(1)
	case found:
		c.found.Add(1)
	case unchanged:
		c.unchanged.Add(1)
	case unrouted:
		c.unrouted.Add(1)
	case denied:
		c.denied.Add(1)
	case unanswered:
		c.unanswered.Add(1)
	}
}

// Stats returns the engine's numbers of now by name, and its detector's.
func (e *Engine) Stats() map[string]uint64 {
	c := &e.counts
	stats := map[string]uint64{
		"noticed":           c.noticed.Load(),
		"outside":           c.outside.Load(),
		"suppressed":        c.suppressed.Load(),
		"collapsed":         c.collapsed.Load(),
		"shed_queue":        c.shedQueue.Load(),
		"shed_outstanding":  c.shedOutstanding.Load(),
		"shed_interface":    c.shedInterface.Load(),
		"shed_rate":         c.shedRate.Load(),
		"lookups":           c.lookups.Load(),
		"found":             c.found.Load(),
		"unchanged":         c.unchanged.Load(),
		"unrouted":          c.unrouted.Load(),
		"denied":            c.denied.Load(),
		"unanswered":        c.unanswered.Load(),
		"negatives":         uint64(e.negative.size()),
		"negatives_dropped": c.forgotten.Load(),
		"suppress_failures": c.suppressFailures.Load(),
		"suppress_shed":     c.shedSuppressions.Load(),
	}
	if e.options.Detector != nil {
		for name, n := range e.options.Detector.Stats() {
			stats["detector_"+name] = n
		}
	}
	return stats
}
