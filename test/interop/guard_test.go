//go:build linux

package interop

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"testing"

	"leaseroute/test/lab"
)

// guardKea starts Kea again whenever it crashes, until the test is over: Kea
// 3.0.3 dies of a segmentation fault inside its leasequery hook about once in
// some thousand bulk queries, most often by remote-id. Nothing but the log
// tells of it, since leaseroute has to live with that too. It is for tests
// that ask often, and don't stop Kea themselves.
func (s *site) guardKea(t *testing.T) {
	t.Helper()
	background(t, func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-s.kea.Process().Ended():
			}
			if !crashed(s.kea.Process()) {
				return nil
			}
			t.Log("Kea crashed and is started again")
			s.crashes.Add(1)
			if err := s.kea.Start(context.WithoutCancel(ctx)); err != nil {
				return err
			}
		}
	})
}

// crashed reports whether a process that has ended died of a segmentation
// fault.
func crashed(p *lab.Process) bool {
	var exit *exec.ExitError
	if !errors.As(p.Wait(context.Background()), &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGSEGV
}
