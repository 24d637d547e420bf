//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
)

// A Process is a program that runs beside the test. What it prints is kept,
// line by line.
type Process struct {
	cmd   *exec.Cmd
	out   *output
	ended chan struct{} // closed when the process has ended and its output is read
	err   error         // what Wait returns; set before ended is closed
}

// Start starts a command, most often one of Namespace.Command. Its output is
// kept, and also goes where cmd.Stdout and cmd.Stderr say if they are set. The
// lab kills it on Close.
func (l *Lab) Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, out: newOutput(), ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.tee(cmd.Stdout), p.tee(cmd.Stderr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return nil, fmt.Errorf("start %s: %w", p.Name(), errClosed)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name(), err)
	}
	l.processes = append(l.processes, p)
	l.waiting.Go(func() {
		p.err = cmd.Wait()
		close(p.ended)
	})
	return p, nil
}

func (p *Process) tee(also io.Writer) io.Writer {
	if also == nil {
		return p.out
	}
	return io.MultiWriter(p.out, also)
}

// Name returns the command line, without the way into its namespace.
func (p *Process) Name() string {
	args := p.cmd.Args
	if len(args) > 4 && args[0] == "ip" && args[2] == "exec" {
		args = args[4:]
	}
	return strings.Join(args, " ")
}

// Pid returns the process number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Output returns what the process has printed so far, both streams together
// and in order; of a very long output only the last lines.
func (p *Process) Output() string { return p.out.text() }

// WaitLine waits until the process prints a line that matches, and returns
// that line's submatches as Regexp.FindStringSubmatch does. Lines before and
// with the last match of an earlier call are not looked at again. It is an
// error if the process or ctx ends before.
func (p *Process) WaitLine(ctx context.Context, want *regexp.Regexp) ([]string, error) {
	for seen := 0; ; {
		// Whether it has ended is asked first: what it printed last is then
		// already there for the look that follows.
		ended := p.hasEnded()
		match, end, more := p.out.find(want, seen)
		seen = end
		switch {
		case match != nil:
			return match, nil
		case ended:
			return nil, fmt.Errorf("%s ended before it printed %q (%w):\n%s", p.Name(), want, p.endedHow(), p.Output())
		}
		select {
		case <-more:
		case <-p.ended:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %q from %s: %w; it printed:\n%s", want, p.Name(), context.Cause(ctx), p.Output())
		}
	}
}

func (p *Process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// endedHow says how the process ended, also if that was no error.
func (p *Process) endedHow() error {
	if p.err != nil {
		return p.err
	}
	return errors.New("exit status 0")
}

// Signal sends a signal; a process that has ended is no error.
func (p *Process) Signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.Name(), err)
	}
	return nil
}

// Kill ends the process at once, without a chance to clean up, and returns
// when it has ended.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL) // can't fail for a child of ours
	<-p.ended
}

// Stop asks the process to end (SIGTERM) and waits as Wait does.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.Wait(ctx)
}

// Wait waits until the process has ended. The error is that of exec.Cmd.Wait
// (an *exec.ExitError holds the exit code), or that of ctx.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %s: %w", p.Name(), context.Cause(ctx))
	}
}

// Ended is closed once the process has ended and its output is read.
func (p *Process) Ended() <-chan struct{} { return p.ended }
