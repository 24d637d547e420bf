package lqclient

import (
	"fmt"
	"time"
)

// minPatience keeps await from spinning while the meter stands still.
const minPatience = 100 * time.Millisecond

// progress notes that something was done for x.
func (c *Conn) progress(x *exchange) {
	clock, _ := c.meter.read()
	x.progress.Store(int64(clock))
}

// heard notes that something has come for x. It is for Run's goroutine.
func (c *Conn) heard(x *exchange) { x.progress.Store(int64(c.meter.rest())) }

// await returns once x is over, and sees to it that this happens: when nothing
// has come for it for the data time-out, either x ends alone, since others had
// answers meanwhile (R49), or the whole connection (R48).
func (c *Conn) await(x *exchange) {
	timer := time.NewTimer(c.server.DataTimeout)
	defer timer.Stop()
	for {
		select {
		case <-x.done:
			return
		case <-timer.C:
			timer.Reset(max(c.patience(x), minPatience))
		}
	}
}

// patience returns how much longer x may go without progress. If the time is
// over, it ends x or the connection.
func (c *Conn) patience(x *exchange) time.Duration {
	clock, quiet := c.meter.read()
	left := c.server.DataTimeout - (clock - time.Duration(x.progress.Load()))
	if left > 0 {
		return left
	}
	if quiet >= c.server.DataTimeout {
		count(&c.notes.counters.ReadTimeouts)
		c.end(fmt.Errorf("read answer: %w: nothing came for %s%s", ErrTimeout, c.server.DataTimeout, c.hint()))
	} else {
		c.abandon(x)
	}
	return 0
}

// abandon ends x, unless it is over by now, and leaves the connection alone.
func (c *Conn) abandon(x *exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending[x.id] != x {
		return
	}
	count(&c.notes.counters.QueryTimeouts)
	c.cutShort(x, fmt.Errorf("%w: nothing came for this query for %s%s", ErrTimeout, c.server.DataTimeout, c.hint()))
}

// hint says what else than a silent server may be the cause (PEERS.md 2,
// fact 1).
func (c *Conn) hint() string {
	if c.server.Concurrent == 1 {
		return ""
	}
	return "; a server that loses queries that come together needs concurrent_queries 1"
}
