//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	namePrefix = "lr-"        // of all names: lr-<process number>-<random>
	netnsDir   = "/run/netns" // where iproute2 keeps its namespaces
)

// sweep takes away the namespaces and folders of labs whose owner has died,
// and kills what still runs in there.
func sweep(ctx context.Context) error {
	var errs []error
	for _, path := range orphans(netnsDir) {
		name := filepath.Base(path)
		errs = append(errs, killInside(path), deleteNamespace(ctx, name))
	}
	for _, path := range orphans(os.TempDir()) {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}

// orphans lists the entries of dir that belong to a dead lab.
func orphans(dir string) []string {
	found, err := filepath.Glob(filepath.Join(dir, namePrefix+"*-*"))
	if err != nil {
		panic(err) // a bad pattern
	}
	var dead []string
	for _, path := range found {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), namePrefix), "-")
		pid, err := strconv.Atoi(owner)
		if err == nil && pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			dead = append(dead, path)
		}
	}
	return dead
}

// killInside kills every process in the namespace that path names, but not
// this one, which may have a thread in there. A namespace that is gone has
// none: labs that start at the same time clear away the same dead ones.
func killInside(path string) error {
	space, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for processes: %w", err)
	}
	running, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		panic(err) // a bad pattern
	}
	for _, link := range running {
		pid, err := strconv.Atoi(strings.Split(link, "/")[2])
		if err != nil || pid == os.Getpid() {
			continue
		}
		// The handle is taken before the look, so that a process number that
		// is given to another program meanwhile does no harm.
		p, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		if in, err := os.Stat(link); err == nil && os.SameFile(in, space) {
			p.Kill() // an error means that it has just ended
		}
		p.Release()
	}
	return nil
}
