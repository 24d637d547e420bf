//go:build linux

package e2e

import (
	"bytes"
	"errors"
	"os/exec"
	"regexp"
	"testing"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

// Run runs a command of leaseroute on the router, with the site's
// configuration unless args have another one, and returns what it printed and
// its exit code.
func (s *site) Run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := s.Router.Command(s.ctx, daemon.Binary(t), append([]string{"-c", s.Path("leaseroute.yaml")}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = patience // a program that another test is just starting may hold the pipes
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// A background is a command that runs beside the test.
type background struct {
	site    *site
	process *lab.Process
}

// background starts a command.
func (s *site) background(t *testing.T, args ...string) background {
	t.Helper()
	p, err := s.Edge.Start(s.Router.Command(s.ctx, daemon.Binary(t), append([]string{"-c", s.Path("leaseroute.yaml")}, args...)...))
	must(t, err)
	return background{s, p}
}

// line waits for a line of its output.
func (b background) line(t *testing.T, want *regexp.Regexp) []string {
	t.Helper()
	m, err := b.process.WaitLine(b.site.ctx, want)
	must(t, err)
	return m
}

// ends waits until it has succeeded.
func (b background) ends(t *testing.T) {
	t.Helper()
	if err := b.process.Wait(b.site.ctx); err != nil {
		t.Fatalf("%v: %s", err, b.process.Output())
	}
}
