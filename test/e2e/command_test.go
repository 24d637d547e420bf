//go:build linux

package e2e

import (
	"bytes"
	"errors"
	"os/exec"
	"testing"

	"leaseroute/test/daemon"
)

// Run runs a command of leaseroute on the router, with the site's
// configuration unless args have another one, and returns what it printed and
// its exit code.
func (s *site) Run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := s.Router.Command(s.ctx, daemon.Binary(t), append([]string{"-c", s.Path("leaseroute.yaml")}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}
