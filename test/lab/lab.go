//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
)

// errClosed is why nothing can be added to a lab.
var errClosed = errors.New("the lab is closed")

// A Lab is a set of namespaces, the processes in them and a folder.
type Lab struct {
	// Dir is the lab's own folder, for configurations, sockets and logs. Its
	// base name is what the names of the lab's namespaces begin with.
	Dir string

	forget func() bool // undoes the wait for the end of New's context
	once   sync.Once
	closed error // what Close met

	mu        sync.Mutex // guards what follows
	closing   bool       // nothing may be added any more
	spaces    []*Namespace
	processes []*Process
	waiting   sync.WaitGroup // one for each process that has not ended
}

// New returns an empty lab, which lasts until Close or until ctx ends. It
// first clears away the labs of programs that died without closing theirs.
func New(ctx context.Context) (*Lab, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("make a lab: network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return nil, fmt.Errorf("make a lab: iproute2 is needed: %w", err)
	}
	if err := sweep(ctx); err != nil {
		return nil, fmt.Errorf("clear away dead labs: %w", err)
	}
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-*", namePrefix, os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("make a lab: %w", err)
	}
	l := &Lab{Dir: dir}
	l.forget = context.AfterFunc(ctx, func() { l.Close() })
	return l, nil
}

// Close kills what runs in the lab and takes its namespaces and its folder
// away. It may be called more than once, and returns when all is gone.
func (l *Lab) Close() error {
	l.once.Do(func() {
		l.forget()
		l.mu.Lock()
		l.closing = true
		spaces := slices.Clone(l.spaces)
		l.mu.Unlock()
		var errs []error
		for _, n := range spaces {
			errs = append(errs, n.close())
		}
		for _, p := range l.Processes() {
			p.Kill()
		}
		l.waiting.Wait()
		l.closed = errors.Join(append(errs, os.RemoveAll(l.Dir))...)
	})
	return l.closed
}

// Processes returns all processes that were started with Start, dead or alive.
func (l *Lab) Processes() []*Process {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.processes)
}

// Path returns the path of a file in the lab's folder.
func (l *Lab) Path(name string) string { return filepath.Join(l.Dir, name) }
