//go:build linux

package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const root = "../.."

// folder is where the packages are; empty: nobody asked for them.
var folder string

// made makes the packages once and returns their folder.
var made = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "leaseroute-packages-*"); err != nil {
		return "", err
	}
	folder = dir
	cmd := exec.Command("make", "--no-print-directory", "package", "PACKAGES="+dir)
	cmd.Dir = root
	// Not those of the make that may run this test.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS=") })
	cmd.Stderr = os.Stderr
	return dir, cmd.Run()
})

// TestMain takes the packages away again.
func TestMain(m *testing.M) {
	code := m.Run()
	if folder != "" {
		os.RemoveAll(folder)
	}
	os.Exit(code)
}

// packageOf returns the one package with a suffix.
func packageOf(t *testing.T, suffix string) string {
	t.Helper()
	dir, err := made()
	if err != nil {
		t.Fatal("make package: ", err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*."+suffix))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d packages *.%s, %v; want 1", len(found), suffix, err)
	}
	return found[0]
}

// describe is the version that the build was stamped with.
func describe(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("git", "describe", "--tags", "--always", "--dirty")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return "dev" // another user's clone, or none at all
	}
	return strings.TrimSpace(string(out))
}

// must ends the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
