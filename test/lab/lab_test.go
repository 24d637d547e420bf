//go:build linux

package lab_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// namespace makes a namespace in a lab of its own.
func namespace(t *testing.T) (*lab.Lab, *lab.Namespace) {
	t.Helper()
	l := labtest.New(t)
	n, err := l.Namespace(t.Context(), "one")
	must(t, err)
	return l, n
}

// left lists what a lab has left behind on the machine.
func left(t *testing.T, l *lab.Lab) []string {
	t.Helper()
	found, err := filepath.Glob("/run/netns/" + filepath.Base(l.Dir) + "*")
	must(t, err)
	if _, err := os.Stat(l.Dir); err == nil {
		found = append(found, l.Dir)
	}
	return found
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	l, n := namespace(t)
	// A process that the lab did not start, and that left its parent.
	must(t, n.Command(t.Context(), "sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &").Run())
	p, err := l.Start(n.Command(t.Context(), "sleep", "1000"))
	must(t, err)
	must(t, l.Close())
	if found := left(t, l); len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
	if err := p.Wait(t.Context()); err == nil {
		t.Error("the process was not killed")
	}
	if _, err := l.Namespace(t.Context(), "two"); err == nil {
		t.Error("a namespace was added to a closed lab")
	}
}

func TestTheEndOfTheContextClosesALab(t *testing.T) {
	t.Parallel()
	labtest.NeedRoot(t)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := lab.New(ctx)
	must(t, err)
	n, err := l.Namespace(ctx, "one")
	must(t, err)
	p, err := l.Start(n.Command(context.Background(), "sleep", "1000"))
	must(t, err)
	cancel()
	if err := p.Wait(t.Context()); err == nil {
		t.Error("the process was not killed")
	}
	must(t, l.Close()) // waits for the close that is under way
	if found := left(t, l); len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
}

func TestNewClearsDeadLabsAway(t *testing.T) {
	labtest.NeedRoot(t)
	owner := exec.CommandContext(t.Context(), "sleep", "1000")
	must(t, owner.Start())
	name := fmt.Sprintf("lr-%d-1234-orphan", owner.Process.Pid)
	must(t, exec.Command("ip", "netns", "add", name).Run())
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("lr-%d-1234", owner.Process.Pid))
	must(t, os.Mkdir(dir, 0o700))
	inside := exec.Command("ip", "netns", "exec", name, "sh", "-c", "echo ready; exec sleep 1000")
	out, err := inside.StdoutPipe()
	must(t, err)
	must(t, inside.Start())
	_, err = out.Read(make([]byte, 16)) // it is in the namespace
	must(t, err)
	must(t, owner.Process.Kill())
	owner.Wait() // says that it was killed

	labtest.New(t)
	for _, path := range []string{"/run/netns/" + name, dir} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	var exit *exec.ExitError
	if err := inside.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the process in a dead lab ended with %v, want it killed", err)
	}
}

func TestSocketsAndCommandsAreInTheNamespace(t *testing.T) {
	t.Parallel()
	_, n := namespace(t)
	must(t, n.IP(t.Context(), "address add 2001:db8::1/128 dev lo nodad"))
	listener, err := n.Listen("tcp", "[2001:db8::1]:547")
	must(t, err)
	defer listener.Close()
	conn, err := n.DialContext(t.Context(), "tcp", "[2001:db8::1]:547")
	must(t, err)
	conn.Close()
	if conn, err := net.Dial("tcp", "[2001:db8::1]:547"); err == nil {
		conn.Close()
		t.Error("the address is reached from outside")
	}
	out, err := n.Command(t.Context(), "ip", "-o", "-6", "address", "show").Output()
	must(t, err)
	if !strings.Contains(string(out), "2001:db8::1") {
		t.Errorf("a command in the namespace sees %q", out)
	}
}

func TestDoComesBackAlsoFromAPanic(t *testing.T) {
	t.Parallel()
	_, n := namespace(t)
	inside := func() string {
		link, err := os.Readlink("/proc/thread-self/ns/net")
		must(t, err)
		return link
	}
	home := inside()
	func() {
		defer func() { recover() }()
		n.Do(func() error { panic(inside() == home) })
	}()
	if at := inside(); at != home {
		t.Errorf("the thread stayed in %s, home is %s", at, home)
	}
	wrong := errors.New("wrong")
	if err := n.Do(func() error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("Do = %v, want the function's error", err)
	}
}

func TestIPNamesTheCommandThatFailed(t *testing.T) {
	t.Parallel()
	_, n := namespace(t)
	err := n.IP(t.Context(), "link set lo up", "route add 2001:db8::/64 via 2001:db8:1::1")
	if err == nil || !strings.Contains(err.Error(), n.Name) || !strings.Contains(err.Error(), "-:2") {
		t.Errorf("IP = %v, want the namespace and the line", err)
	}
}
