package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"leaseroute/agent/control"
)

// glance is how often a waiting command looks at the daemon.
const glance = 200 * time.Millisecond

// watch looks at the daemon until done says so, with a line of progress on a
// terminal and a plain line for each change of state elsewhere. With a timeout
// a daemon that is not up yet is waited for as well; without one (0), which
// may mean for ever, a daemon must be there.
func watch(ctx context.Context, c *control.Client, timeout time.Duration, done func(control.Status) bool) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	p := newProgress(os.Stderr)
	tick := time.NewTicker(glance)
	defer tick.Stop()
	var last control.Status // the daemon's last answer
	for {
		var s control.Status
		err := c.Get(ctx, "/v1/status", nil, &s)
		switch {
		case err == nil && done(s):
			p.finish(s)
			return nil
		case err == nil:
			last = s
			p.show(s)
		case ctx.Err() == nil && timeout == 0:
			return err
		}
		select {
		case <-ctx.Done():
			return waited(ctx, last, timeout)
		case <-tick.C:
		}
	}
}

// waited says why the waiting ended without what it waited for.
func waited(ctx context.Context, s control.Status, timeout time.Duration) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errors.New("interrupted")
	}
	if s.State == "" {
		return fmt.Errorf("no daemon answered within %s", timeout)
	}
	return fmt.Errorf("not done within %s: the state is %s", timeout, summary(s))
}

// progress shows a daemon at work on one line of a terminal, or on plain
// lines, one whenever what it says has changed in kind.
type progress struct {
	out  *os.File
	bar  *progressbar.ProgressBar // nil when not on a terminal
	last string
}

func newProgress(out *os.File) *progress {
	p := &progress{out: out}
	if onTerminal(out) {
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(out), progressbar.OptionSpinnerType(14), progressbar.OptionClearOnFinish())
	}
	return p
}

func (p *progress) show(s control.Status) {
	if p.bar != nil {
		p.bar.Describe(summary(s))
		_ = p.bar.Add(1) // a spinner can't overflow
		return
	}
	if kind := s.State + asking(s); kind != p.last {
		p.last = kind
		fmt.Fprintln(p.out, summary(s))
	}
}

func (p *progress) finish(s control.Status) {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
	fmt.Fprintln(p.out, summary(s))
}

// summary is a daemon's state in one line.
func summary(s control.Status) string {
	out := fmt.Sprintf("%s: %d bindings, %d routes", s.State, s.Bindings, s.RoutesInstalled)
	if s.RecoveredAfterSeconds != nil {
		out += fmt.Sprintf(" (recovered after %.3f s)", *s.RecoveredAfterSeconds)
	}
	return out + asking(s)
}

// asking says what each server that has not completed its round is doing.
func asking(s control.Status) string {
	var out []string
	for _, v := range s.Servers {
		switch {
		case v.State == "complete":
		case v.Error != "":
			out = append(out, v.Name+" "+v.State+": "+v.Error)
		default:
			out = append(out, strings.TrimSpace(v.Name+" "+v.State+" "+v.Query))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "; " + strings.Join(out, "; ")
}
