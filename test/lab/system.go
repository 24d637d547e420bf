//go:build linux

package lab

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

var (
	// fetchSystem is the script that gets a small Debian.
	//
	//go:embed system.sh
	fetchSystem string
	// bootSystem is the script that boots it.
	//
	//go:embed boot.sh
	bootSystem string
)

// bootPause is how often a system that boots is looked at.
const bootPause = 20 * time.Millisecond

// A System is a small Debian that systemd runs, on a network namespace: a
// machine for packages and units. It starts as a clean one each time.
type System struct {
	process *Process
	init    int // number of its process 1 outside
}

// Boot boots a system on the namespace, one in each lab, and returns when
// systemd says that it runs. The programs come from the cache folder; if they are not there they
// are fetched, with a line on progress. See system.sh and boot.sh.
func (l *Lab) Boot(ctx context.Context, n *Namespace, progress io.Writer) (*System, error) {
	tree, err := fetchTree(ctx, fetchSystem, progress)
	if err != nil {
		return nil, fmt.Errorf("fetch a system: %w", err)
	}
	script := filepath.Join(l.Dir, "boot.sh")
	if err := os.WriteFile(script, []byte(bootSystem), 0o700); err != nil {
		return nil, fmt.Errorf("boot a system: %w", err)
	}
	// Not ctx: the system lives as long as its lab.
	p, err := l.Start(n.Command(context.Background(), script, tree.dir, filepath.Join(l.Dir, "system"), filepath.Base(l.Dir)))
	if err != nil {
		return nil, err
	}
	s := &System{process: p}
	if err := s.wait(ctx); err != nil {
		return nil, fmt.Errorf("boot a system: %w; it printed:\n%s", err, p.Output())
	}
	return s, nil
}

// wait waits until the system has booted.
func (s *System) wait(ctx context.Context) error {
	tick := time.NewTicker(bootPause)
	defer tick.Stop()
	for {
		if s.init = childOf(childOf(s.process.Pid())); s.init != 0 {
			out, err := s.Command(ctx, "systemctl", "is-system-running", "--wait").Output()
			if err == nil {
				return nil
			}
			if state := strings.TrimSpace(string(out)); state == "degraded" {
				failed, _ := s.Command(ctx, "systemctl", "--failed").CombinedOutput()
				return fmt.Errorf("units have failed:\n%s", failed)
			}
		}
		select {
		case <-tick.C:
		case <-s.process.ended:
			return s.process.endedHow()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// childOf is the first child of a process; 0 if there is none.
func childOf(pid int) int {
	if pid == 0 {
		return 0
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0
	}
	first, _, _ := bytes.Cut(b, []byte(" "))
	child, _ := strconv.Atoi(string(first)) // no child: no number
	return child
}

// Command returns a command that runs as root in the system.
func (s *System) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{
		"--target", strconv.Itoa(s.init), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd=" + s.Path("/"), "--", name,
	}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	cmd.WaitDelay = time.Second
	return cmd
}

// Path is where a file of the system is found from outside.
func (s *System) Path(inside string) string {
	return filepath.Join(fmt.Sprintf("/proc/%d/root", s.init), inside)
}

// Stop pulls the plug, and returns when all is gone.
func (s *System) Stop(ctx context.Context) error { return s.process.Stop(ctx) }
