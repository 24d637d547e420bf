//go:build linux

package lab

import (
	"context"
	"errors"
	"os"
	"regexp"
)

// dhclient is ISC's client.
type dhclient struct{}

// prepare implements clientProgram. Without the empty configuration it would
// read the machine's.
func (dhclient) prepare(c *Client) error {
	if c.config.RapidCommit {
		return errors.New("prepare dhclient: it knows no rapid commit")
	}
	return errors.Join(c.writeScript(), os.WriteFile(c.path("dhclient.conf"), nil, 0o600))
}

// run implements clientProgram.
func (dhclient) run(c *Client) ([]string, error) { return dhclientCommand(c) }

// release implements clientProgram: another dhclient ends the one that runs,
// sends a Release for what is in its lease file, and does not wait for an
// answer.
func (dhclient) release(ctx context.Context, c *Client) error {
	args, err := dhclientCommand(c, "-r")
	if err != nil {
		return err
	}
	running := c.process
	if c.process, err = c.lab.Start(c.cpe.Command(ctx, args[0], args[1:]...)); err != nil {
		return err
	}
	select {
	case <-running.Ended():
	case <-c.process.Ended(): // it will not end the other one any more
	case <-ctx.Done():
	}
	running.Kill()
	return nil
}

// dhclientCommand returns the arguments for dhclient, and more in front.
func dhclientCommand(c *Client, more ...string) ([]string, error) {
	args := append(more, "-6", "-d", "-v", "-D", "LL",
		"-cf", c.path("dhclient.conf"), "-lf", c.path("dhclient.leases"), "-pf", c.path("dhclient.pid"), "-sf", c.script())
	if c.config.Address {
		args = append(args, "-N")
	}
	for range c.config.Prefixes {
		args = append(args, "-P")
	}
	return c.tree.program("dhclient", append(args, "wan0")...)
}

// told implements clientProgram.
func (dhclient) told(e Event) *regexp.Regexp { return scriptTold(e) }
