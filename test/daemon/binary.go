//go:build linux

package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

var (
	once   sync.Once
	binary string
	built  error
)

// Binary builds leaseroute once for each test program, with the race detector
// if LEASEROUTE_TEST_RACE is 1, and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	once.Do(func() { binary, built = build() })
	if built != nil {
		t.Fatal(built)
	}
	return binary
}

// prefix begins the names of the folders that programs are built in; the
// number of the process that built it follows.
const prefix = "leaseroute-test-"

func build() (string, error) {
	if err := sweep(); err != nil {
		return "", fmt.Errorf("clear away old programs: %w", err)
	}
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "..", "..")
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-*", prefix, os.Getpid()))
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "leaseroute")
	args := []string{"build", "-o", path}
	if os.Getenv("LEASEROUTE_TEST_RACE") == "1" {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/leaseroute")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build leaseroute: %w: %s", err, out)
	}
	return path, nil
}

// sweep removes what test programs that have ended have built: a package's
// tests have no end of which all of them know.
func sweep() error {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range dirs {
		pid, _, ours := strings.Cut(strings.TrimPrefix(filepath.Base(dir), prefix), "-")
		if _, err := strconv.Atoi(pid); err != nil || !ours {
			continue
		}
		if _, err := os.Stat(filepath.Join("/proc", pid)); errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}
