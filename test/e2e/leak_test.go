//go:build linux

package e2e

import (
	"fmt"
	"os"
	"testing"
)

// resources are what a daemon must not use more and more of.
type resources struct{ files, goroutines int }

// resources counts what the daemon has open and running.
func (s *site) resources(t *testing.T) resources {
	t.Helper()
	fd, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Process().Pid()))
	must(t, err)
	return resources{files: len(fd), goroutines: s.Status(t).Goroutines}
}

// calm waits until the daemon has no more open and running than before.
// Connections take an instant to be gone.
func (s *site) calm(t *testing.T, before resources) {
	t.Helper()
	var now resources
	s.until(t, func() error {
		now = s.resources(t)
		if now.files > before.files || now.goroutines > before.goroutines {
			return fmt.Errorf("%d files and %d goroutines, before there were %d and %d",
				now.files, now.goroutines, before.files, before.goroutines)
		}
		return nil
	})
}
