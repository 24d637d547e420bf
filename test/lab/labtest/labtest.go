//go:build linux

// Package labtest gives tests a lab.
package labtest

import (
	"context"
	"os"
	"strings"
	"testing"

	"leaseroute/test/lab"
)

// RequireRoot is the environment variable that turns a test's "needs root"
// from a skip into a failure, so that CI can't leave such tests out unnoticed.
const RequireRoot = "LEASEROUTE_REQUIRE_ROOT"

// NeedRoot skips the test without root, or fails it where root is required.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv(RequireRoot) == "1" {
		t.Fatalf("needs root, and %s=1 forbids to skip", RequireRoot)
	}
	t.Skip("needs root")
}

// New returns an empty lab that is closed after the test. If the test fails,
// the last lines of every process are logged.
func New(t testing.TB) *lab.Lab {
	t.Helper()
	NeedRoot(t)
	// Not t.Context, which ends before the test's clean-up begins.
	l, err := lab.New(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error("close the lab:", err)
		}
		if t.Failed() {
			logProcesses(t, l)
		}
	})
	return l
}

// NewEdge returns an edge in a lab of its own.
func NewEdge(t testing.TB, access int) *lab.Edge {
	t.Helper()
	e, err := New(t).NewEdge(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// lastLines is how much of a process's output is logged.
const lastLines = 40

func logProcesses(t testing.TB, l *lab.Lab) {
	t.Helper()
	for _, p := range l.Processes() {
		lines := strings.Split(strings.TrimSpace(p.Output()), "\n")
		t.Logf("%s printed, at the end:\n%s", p.Name(), strings.Join(lines[max(0, len(lines)-lastLines):], "\n"))
	}
}
