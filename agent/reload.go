package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"leaseroute/agent/control"
	"leaseroute/config"
	"leaseroute/routes"
)

const (
	// settleFor is how long a reload waits for routes that are being installed.
	settleFor = 5 * time.Second
	// writeFor is how long the answer to a reload may take on its way.
	writeFor = time.Second
)

// ErrCantReload reports a configuration that is in order but takes a restart.
var ErrCantReload = errors.New("can't be changed while the daemon runs: restart it")

// reloads is how a running daemon comes by another configuration.
type reloads struct {
	load  func() (*config.Config, error) // nil: there is none to be had
	relog func(config.Log)
	asked chan reloadRequest // never closed
	count *atomic.Uint64     // of those that took effect
}

// A reloadRequest waits for its answer, and says when it has passed that on.
type reloadRequest struct {
	answer chan reloadAnswer // holds one
	told   <-chan struct{}
}

type reloadAnswer struct {
	changed []string // sections; nil: nothing has changed
	err     error
}

func newReloads() reloads {
	return reloads{asked: make(chan reloadRequest), count: new(atomic.Uint64)}
}

// OnReload says how the configuration is read anew, and how the log follows
// it. It must be called before Run.
func (a *Agent) OnReload(load func() (*config.Config, error), relog func(config.Log)) {
	a.reloads.load, a.reloads.relog = load, relog
}

// Reload has the daemon read its configuration anew and live by it. What has
// not changed is not touched; a configuration with faults changes nothing. It
// returns the sections that have changed once that is known, a moment before
// they take effect. Any goroutine may call it while Run runs.
func (a *Agent) Reload(ctx context.Context) ([]string, error) {
	told := make(chan struct{})
	defer close(told)
	return a.reload(ctx, told)
}

// reload is Reload for somebody who has to pass the answer on before the
// control socket closes.
func (a *Agent) reload(ctx context.Context, told <-chan struct{}) ([]string, error) {
	request := reloadRequest{answer: make(chan reloadAnswer, 1), told: told}
	select {
	case a.reloads.asked <- request:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	answer := <-request.answer
	return answer.changed, answer.err
}

// A generation is what the daemon needs to live by another configuration. All
// that can fail has been done.
type generation struct {
	cfg    *config.Config
	links  *routes.Links
	kernel *routes.Kernel
}

// awaitReload returns the next configuration, or nil once ctx has ended.
func (a *Agent) awaitReload(ctx context.Context) *generation {
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-a.reloads.asked:
			next, changed, err := a.prepare()
			r.answer <- reloadAnswer{changed, err}
			switch {
			case err != nil:
				a.log.WithError(err).Error("the configuration is not reloaded; nothing has changed")
			case next == nil:
				a.log.Info("the configuration is read anew; nothing has changed")
			default:
				a.log.WithField("changed", strings.Join(changed, " ")).Info("reloading")
				waitFor(ctx, r.told, writeFor)
				a.settled(ctx)
				return next
			}
		}
	}
}

// waitFor waits for done, but not for ever.
func waitFor(ctx context.Context, done <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// settled waits until all that was decided is in the kernel, but not for ever.
func (a *Agent) settled(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	tick := time.NewTicker(step / 10)
	defer tick.Stop()
	for idle := false; !idle; {
		if a.call(ctx, func() { idle = a.owner.idle() }) != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// prepare reads the configuration and makes what it needs; nil if nothing has
// changed.
func (a *Agent) prepare() (*generation, []string, error) {
	if a.reloads.load == nil {
		return nil, nil, errors.New("there is no configuration file to read")
	}
	cfg, err := a.reloads.load()
	if err != nil {
		return nil, nil, err
	}
	if fixed := config.NeedsRestart(a.cfg, cfg); len(fixed) > 0 {
		return nil, nil, fmt.Errorf("%s: %w", strings.Join(fixed, ", "), ErrCantReload)
	}
	changed := config.Changed(a.cfg, cfg)
	if len(changed) == 0 {
		return nil, nil, nil
	}
	next := &generation{cfg: cfg, links: a.links.Next(linksOptions(cfg, a.relayID))}
	next.kernel, err = routes.Open(routeOptions(cfg), next.links, a.log)
	return next, changed, err
}

// reloaded says that the present configuration is in effect, if it is not the
// first.
func (a *Agent) reloaded() {
	if a.pool.table == nil {
		return
	}
	a.reloads.count.Add(1)
	a.log.Info("reloaded")
}

// serveReload reloads, and tells what has changed.
func (a *Agent) serveReload(w http.ResponseWriter, r *http.Request) {
	told := make(chan struct{})
	defer close(told)
	before := a.reloads.count.Load()
	changed, err := a.reload(r.Context(), told)
	if err != nil {
		control.Refuse(w, http.StatusConflict, "%v", err)
		return
	}
	control.Reply(w, control.Reload{Changed: append([]string{}, changed...), Before: before})
	_ = http.NewResponseController(w).Flush() // a reader that has gone needs no answer
}
