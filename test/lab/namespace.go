//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netns"
)

// A Namespace is a network namespace with a name.
type Namespace struct {
	// Name is what `ip netns` calls it.
	Name string

	space netns.NsHandle
}

// Namespace makes an empty namespace: lo is up, duplicate address detection
// and router advertisements are off, so that an address can be used as soon as
// it is there. Its full name is the lab's prefix and name.
func (l *Lab) Namespace(ctx context.Context, name string) (*Namespace, error) {
	n, err := l.addNamespace(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("make namespace %s: %w", name, err)
	}
	return n, n.quieten(ctx)
}

// addNamespace makes a namespace that Close will remove.
func (l *Lab) addNamespace(ctx context.Context, name string) (*Namespace, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return nil, errClosed
	}
	n := &Namespace{Name: filepath.Base(l.Dir) + "-" + name}
	if err := run(exec.CommandContext(ctx, "ip", "netns", "add", n.Name)); err != nil {
		return nil, err
	}
	var err error
	if n.space, err = netns.GetFromName(n.Name); err != nil {
		return nil, errors.Join(err, deleteNamespace(ctx, n.Name))
	}
	l.spaces = append(l.spaces, n)
	return n, nil
}

// quieten makes the namespace predictable: nothing appears in it by itself.
func (n *Namespace) quieten(ctx context.Context) error {
	for _, conf := range []string{"all", "default"} {
		for key, value := range map[string]string{"accept_dad": "0", "accept_ra": "0", "dad_transmits": "0"} {
			if err := n.Sysctl("net.ipv6.conf."+conf+"."+key, value); err != nil {
				return err
			}
		}
	}
	return n.IP(ctx, "link set lo up")
}

// close kills what runs in the namespace and removes it.
func (n *Namespace) close() error {
	err := errors.Join(n.KillAll(), n.space.Close())
	return errors.Join(err, deleteNamespace(context.Background(), n.Name))
}

// KillAll kills every process in the namespace, whoever started it.
func (n *Namespace) KillAll() error { return killInside(filepath.Join(netnsDir, n.Name)) }

// deleteNamespace removes a named namespace; one that is gone is no error.
func deleteNamespace(ctx context.Context, name string) error {
	err := run(exec.CommandContext(ctx, "ip", "netns", "del", name))
	if _, gone := os.Stat(filepath.Join(netnsDir, name)); errors.Is(gone, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Do runs f on a thread that is in the namespace. Sockets that f opens stay in
// there. Goroutines that f starts are not in the namespace.
func (n *Namespace) Do(f func() error) (err error) {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter namespace %s: %w", n.Name, err)
	}
	defer home.Close()
	defer func() {
		if back := netns.Set(home); back != nil {
			// The thread stays locked, so that it ends with its goroutine
			// and never serves another one from in here.
			err = errors.Join(err, fmt.Errorf("leave namespace %s: %w", n.Name, back))
			return
		}
		runtime.UnlockOSThread()
	}()
	if err := netns.Set(n.space); err != nil {
		return fmt.Errorf("enter namespace %s: %w", n.Name, err)
	}
	return f()
}

// Command returns a command that will run in the namespace. It is killed, with
// all its children, when ctx ends or this program dies. It is in a process
// group of its own: Ctrl-C on a terminal does not reach it.
func (n *Namespace) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.Name, name}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

// IP runs iproute2 commands in the namespace, in one go and up to the first
// that fails: `address add 2001:db8::1/64 dev core0 nodad`. IPv6 is meant
// wherever a command could mean either family.
func (n *Namespace) IP(ctx context.Context, commands ...string) error {
	cmd := exec.CommandContext(ctx, "ip", "-6", "-n", n.Name, "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if err := run(cmd); err != nil {
		return fmt.Errorf("configure %s: %w", n.Name, err)
	}
	return nil
}

// Sysctl sets a kernel variable of the namespace, such as
// net.ipv6.conf.all.forwarding. Dots in the name separate its parts.
func (n *Namespace) Sysctl(name, value string) error {
	return n.Do(func() error {
		path := "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
		if err := os.WriteFile(path, []byte(value), 0); err != nil {
			return fmt.Errorf("set %s in %s: %w", name, n.Name, err)
		}
		return nil
	})
}

// run runs a short command; its error holds the command's own words.
func run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
