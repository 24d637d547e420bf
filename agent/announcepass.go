package agent

import (
	"sync/atomic"

	"leaseroute/agent/control"
	"leaseroute/binding"
	"leaseroute/routes"
)

// repeatBatch is the most messages in one job: a third of what a socket with an
// ordinary buffer holds. A change that comes meanwhile waits for one job, a few
// milliseconds.
const repeatBatch = 50

// A pass goes once through all that is to be repeated, in pages.
type pass struct {
	size      int // messages in a page; a withdrawal makes two
	at        mark
	page      []binding.Change // offered and not taken; nil: none
	behind    mark             // where the pass goes on after it
	disturbed bool             // a burst of changes fell into it
}

// A mark is how far a pass has come. The withdrawals come first: a prefix that
// is announced and gone does more harm than one that is there and is not.
type mark struct {
	gone int         // withdrawals that were repeated
	from binding.Ref // where the table is read on
	over bool        // it is through
}

// offer returns the next page: nil if the pass is over.
func (p *pass) offer(gone []binding.Key, table *binding.Table) []binding.Change {
	if p.page != nil {
		return p.page
	}
	p.behind = p.at
	if left := gone[p.at.gone:]; len(left) > 0 {
		for _, k := range left[:min((p.size+1)/2, len(left))] {
			p.page = append(p.page, binding.Change{Op: binding.Withdraw, Key: k})
		}
		p.behind.gone += len(p.page)
		return p.page
	}
	for !p.behind.over && p.page == nil {
		p.page, p.behind.from = table.Repeats(p.behind.from, p.size, nil)
		p.behind.over = p.behind.from == 0
	}
	if p.page == nil {
		p.at = p.behind
	}
	return p.page
}

// advance notes that the page was repeated.
func (p *pass) advance() { p.at, p.page = p.behind, nil }

// outdate throws the page away: routes change before it could be taken.
func (p *pass) outdate() { p.page = nil }

// announceCounts are read by any goroutine.
type announceCounts struct {
	bursts, passes, forgotten, givenUp atomic.Uint64
}

func (c *announceCounts) all() map[string]uint64 {
	return map[string]uint64{
		"announce_bursts":    c.bursts.Load(),
		"announce_passes":    c.passes.Load(),
		"announce_forgotten": c.forgotten.Load(),
		"announce_given_up":  c.givenUp.Load(),
	}
}

// names are listeners for the log.
func names(listeners []routes.Listener) []string {
	out := make([]string, len(listeners))
	for i, l := range listeners {
		out[i] = l.String()
	}
	return out
}

// show says how announcing stands.
func (a *announcer) show() control.Announcing {
	s := control.Announcing{State: string(a.hearing), Pass: a.passes, Listeners: []control.Listener{}}
	for _, l := range a.losers {
		s.Listeners = append(s.Listeners, control.Listener{Program: l.Program, Pid: l.Pid, Inode: l.Inode, Lost: l.Lost})
	}
	if a.err != nil {
		s.Error = a.err.Error()
	}
	return s
}
