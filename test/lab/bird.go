//go:build linux

package lab

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// A BIRD is BIRD 2, the real thing, in a namespace.
type BIRD struct {
	space   *Namespace
	client  []string // the command that asks it
	process *Process
}

// BIRD starts BIRD with a configuration, and waits until it answers.
func (n *Namespace) BIRD(ctx context.Context, l *Lab, tree RouterTree, config string) (*BIRD, error) {
	dir, err := os.MkdirTemp(l.Dir, "bird-")
	if err != nil {
		return nil, fmt.Errorf("start BIRD: %w", err)
	}
	conf, socket := filepath.Join(dir, "bird.conf"), filepath.Join(dir, "bird.ctl")
	program, err := tree.find("sbin/bird")
	if err != nil {
		return nil, err
	}
	client, err := tree.find("sbin/birdc")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(conf, []byte(config), 0o600); err != nil {
		return nil, fmt.Errorf("start BIRD: %w", err)
	}
	b := &BIRD{space: n, client: tree.command(client, "-s", socket)}
	args := tree.command(program, "-f", "-c", conf, "-s", socket, "-P", filepath.Join(dir, "bird.pid"))
	if b.process, err = l.Start(n.Command(ctx, args[0], args[1:]...)); err != nil {
		return nil, err
	}
	return b, b.process.waitFile(ctx, socket)
}

// Process returns the daemon.
func (b *BIRD) Process() *Process { return b.process }

// ask runs a command of birdc's.
func (b *BIRD) ask(ctx context.Context, words ...string) ([]byte, error) {
	args := append(b.client[1:len(b.client):len(b.client)], words...)
	var said bytes.Buffer
	cmd := b.space.Command(ctx, b.client[0], args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ask BIRD: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return said.Bytes(), nil
}

// Enable starts a protocol that is disabled.
func (b *BIRD) Enable(ctx context.Context, protocol string) error {
	said, err := b.ask(ctx, "enable", protocol)
	if err == nil && !bytes.Contains(said, []byte(protocol+": enabled")) {
		err = fmt.Errorf("enable %s: BIRD says %q", protocol, said)
	}
	return err
}

// birdCount is how BIRD counts the routes of a protocol in its tables.
var birdCount = regexp.MustCompile(`(?m)^(?:Total: )?(\d+) of \d+ routes`)

// Count returns how many routes a protocol has brought in.
func (b *BIRD) Count(ctx context.Context, protocol string) (int, error) {
	said, err := b.ask(ctx, "show", "route", "protocol", protocol, "count")
	if err != nil {
		return 0, err
	}
	all := birdCount.FindAllSubmatch(said, -1)
	if all == nil {
		return 0, fmt.Errorf("ask BIRD for a count: it says %q", said)
	}
	return strconv.Atoi(string(all[len(all)-1][1]))
}

// Prefixes returns the prefixes that a protocol has brought in.
func (b *BIRD) Prefixes(ctx context.Context, protocol string) (map[netip.Prefix]bool, error) {
	said, err := b.ask(ctx, "show", "route", "protocol", protocol)
	if err != nil {
		return nil, err
	}
	out := make(map[netip.Prefix]bool)
	lines := bufio.NewScanner(bytes.NewReader(said))
	for lines.Scan() {
		word, _, _ := bytes.Cut(lines.Bytes(), []byte(" "))
		if p, err := netip.ParsePrefix(string(word)); err == nil {
			out[p] = true
		}
	}
	return out, lines.Err()
}
