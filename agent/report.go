package agent

import (
	"context"
	"fmt"
	"time"
)

// reportEvery is how often systemd and the log hear of a recovery's progress.
const reportEvery = time.Second

// report tells systemd, while recovering the log, and the next run how far we
// are.
func (a *Agent) report(ctx context.Context) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	var told string
	var said int
	behind := a.unheard()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s, err := a.status(ctx)
		if err != nil {
			return
		}
		if now := fmt.Sprintf("STATUS=%s: %d bindings, %d routes", s.State, s.Bindings, s.RoutesInstalled); now != told {
			told = now
			a.notify.send(now)
		}
		behind = a.markUnheard(hearing(s.Announcing.State), behind)
		if s.State != string(Recovered) && s.Bindings != said {
			said = s.Bindings
			a.log.WithField("bindings", s.Bindings).WithField("routes", s.RoutesInstalled).Info("recovery goes on")
		}
	}
}
