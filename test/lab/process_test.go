//go:build linux

package lab_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

func TestWaitLine(t *testing.T) {
	t.Parallel()
	l, n := namespace(t)
	var also bytes.Buffer
	cmd := n.Command(t.Context(), "sh", "-c", "echo one 1; echo two 2 >&2; echo one 3; printf 'no end'; read x; exit 3")
	stdin, err := cmd.StdinPipe()
	must(t, err)
	cmd.Stdout = &also
	p, err := l.Start(cmd)
	must(t, err)
	for _, want := range []string{"1", "3"} {
		match, err := p.WaitLine(t.Context(), regexp.MustCompile(`^one (\d)$`))
		must(t, err)
		if match[1] != want {
			t.Errorf("WaitLine matched %q, want %s", match, want)
		}
	}
	must(t, stdin.Close())
	_, err = p.WaitLine(t.Context(), regexp.MustCompile("one"))
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(err.Error(), "no end") {
		t.Errorf("after the end WaitLine = %v, want exit status 3 and the output", err)
	}
	if got := also.String(); got != "one 1\none 3\nno end" {
		t.Errorf("cmd.Stdout got %q", got)
	}
	if !errors.As(p.Wait(t.Context()), &exit) {
		t.Error("Wait does not give the exit status")
	}
}

func TestWaitLineEndsWithTheContext(t *testing.T) {
	t.Parallel()
	l, n := namespace(t)
	p, err := l.Start(n.Command(t.Context(), "sh", "-c", "echo ready; exec sleep 1000"))
	must(t, err)
	_, err = p.WaitLine(t.Context(), regexp.MustCompile("ready"))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.WaitLine(ctx, regexp.MustCompile("never")); !errors.Is(err, context.Canceled) {
		t.Errorf("WaitLine = %v, want %v", err, context.Canceled)
	}
	if err := p.Stop(t.Context()); err == nil {
		t.Error("sleep ended without an error on SIGTERM")
	}
}
