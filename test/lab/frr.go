//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// An FRR is zebra and bgpd of FRRouting, the real things, in a namespace.
type FRR struct {
	zebra, bgpd *Process
}

// frrGroup is a group that FRR wants to exist. It need not have members.
const frrGroup = "\nfrrvty:x:0:\n"

// FRR starts FRRouting with a configuration, and waits until zebra serves. It
// has the buffers that it takes by itself.
func (n *Namespace) FRR(ctx context.Context, l *Lab, tree RouterTree, config string) (*FRR, error) {
	f := &FRR{}
	if err := f.start(ctx, l, n, tree, config); err != nil {
		return nil, fmt.Errorf("start FRR: %w", err)
	}
	return f, nil
}

func (f *FRR) start(ctx context.Context, l *Lab, n *Namespace, tree RouterTree, config string) error {
	dir, err := os.MkdirTemp(l.Dir, "frr-")
	if err != nil {
		return err
	}
	groups, err := os.ReadFile("/etc/group")
	if err != nil {
		return err
	}
	conf, group, serves := filepath.Join(dir, "frr.conf"), filepath.Join(dir, "group"), filepath.Join(dir, "zserv.api")
	if err := errors.Join(os.WriteFile(conf, []byte(config), 0o600), os.WriteFile(group, append(groups, frrGroup...), 0o644)); err != nil {
		return err
	}
	run := func(name string) (*Process, error) {
		program, err := tree.find("lib/frr/" + name)
		if err != nil {
			return nil, err
		}
		args := tree.command(program, "-f", conf, "-z", serves, "--vty_socket", dir, "-i", filepath.Join(dir, name+".pid"),
			"-u", "root", "-g", "root", "-A", "::1", "--log", "stdout")
		// The mounts of `ip netns exec` are the command's own.
		const withGroup = `mount --bind "$0" /etc/group && exec "$@"`
		return l.Start(n.Command(ctx, "sh", append([]string{"-c", withGroup, group}, args...)...))
	}
	if f.zebra, err = run("zebra"); err != nil {
		return err
	}
	if err := f.zebra.waitFile(ctx, serves); err != nil {
		return err
	}
	f.bgpd, err = run("bgpd")
	return err
}

// Zebra returns the process that learns the kernel's routes.
func (f *FRR) Zebra() *Process { return f.zebra }

// fileGlance is how often a file that a process will make is looked for.
const fileGlance = 20 * time.Millisecond

// waitFile waits until a file is there that the process makes.
func (p *Process) waitFile(ctx context.Context, path string) error {
	tick := time.NewTicker(fileGlance)
	defer tick.Stop()
	for {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		select {
		case <-tick.C:
		case <-p.Ended():
			return fmt.Errorf("%s ended (%w):\n%s", p.Name(), p.endedHow(), p.Output())
		case <-ctx.Done():
			return fmt.Errorf("wait for %s of %s: %w", path, p.Name(), context.Cause(ctx))
		}
	}
}
