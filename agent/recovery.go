package agent

import (
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/binding"
	"leaseroute/lqclient"
)

// State is how far the recovery has come.
type State string

// The states (DESIGN.md 5, readiness).
const (
	Starting   State = "starting"
	Recovering State = "recovering"
	Recovered  State = "recovered" // every server that has rounds completed one, and its routes are in
	Degraded   State = "degraded"  // a server makes no progress; trying goes on
)

// recovery watches the servers' first rounds. It belongs to the owner.
type recovery struct {
	state    State
	started  time.Time
	after    time.Duration // from the start to recovered; 0 until then
	complete []bool        // by server number less one
	noRounds []bool        // likewise: of servers that can't be asked for everything
	servers  []*lqclient.Requestor
	giveUp   time.Duration
	reached  chan struct{} // closed when recovered for the first time; anybody may wait for it
	log      *logrus.Entry
}

// completed notes a full round of s and reports whether it was the last that
// was missing.
func (r *recovery) completed(s binding.Server) bool {
	if r.all() || int(s) > len(r.complete) || s == 0 {
		return false
	}
	r.complete[s-1] = true
	return r.all()
}

// lookupOnly reports whether s has no rounds to complete.
func (r *recovery) lookupOnly(s binding.Server) bool {
	return s != 0 && int(s) <= len(r.noRounds) && r.noRounds[s-1]
}

func (r *recovery) all() bool {
	for _, c := range r.complete {
		if !c {
			return false
		}
	}
	return true
}

// check moves the state on. idle says that all that was decided is in the
// kernel.
func (r *recovery) check(now time.Time, idle bool) {
	switch {
	case r.state == Starting || r.after != 0:
	case r.all() && idle:
		r.after = max(now.Sub(r.started), 1)
		close(r.reached)
		r.enter(Recovered)
	case r.all():
	case r.stuck(now):
		r.enter(Degraded)
	default:
		r.enter(Recovering)
	}
}

// enter makes s the state and says so once.
func (r *recovery) enter(s State) {
	if r.state == s {
		return
	}
	r.state = s
	entry := r.log.WithField("state", s)
	switch s {
	case Degraded:
		entry.Warn("a server makes no progress; trying goes on")
	case Recovered:
		entry.WithField("after", r.after.Round(time.Millisecond)).Info("recovered")
	default:
		entry.Info("recovering")
	}
}

// stuck reports whether a server that has not completed its round made no
// progress for as long as the configuration allows.
func (r *recovery) stuck(now time.Time) bool {
	for i, s := range r.servers {
		if r.complete[i] {
			continue
		}
		last := r.started
		if p := s.Status().Progress; p.After(last) {
			last = p
		}
		if now.Sub(last) > r.giveUp {
			return true
		}
	}
	return false
}
