//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// resources are what a daemon must not use more and more of.
type resources struct {
	files      []string // what each file descriptor is
	goroutines int
}

// resources looks at what the daemon has open and running.
func (s *site) resources(t *testing.T) (r resources) {
	t.Helper()
	r.goroutines = s.Status(t).Goroutines
	dir := fmt.Sprintf("/proc/%d/fd", s.Process().Pid())
	descriptors, err := os.ReadDir(dir)
	must(t, err)
	for _, fd := range descriptors {
		if what, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil { // else it was closed just now
			r.files = append(r.files, what)
		}
	}
	return r
}

// calm waits until the daemon has no more open and running than before.
// Connections take an instant to be gone.
func (s *site) calm(t *testing.T, before resources) {
	t.Helper()
	s.until(t, func() error {
		now := s.resources(t)
		if len(now.files) > len(before.files) || now.goroutines > before.goroutines {
			return fmt.Errorf("%d goroutines and files %q, before there were %d and %q",
				now.goroutines, now.files, before.goroutines, before.files)
		}
		return nil
	})
}
