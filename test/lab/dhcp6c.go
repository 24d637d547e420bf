//go:build linux

package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"regexp"
	"syscall"
)

// dhcp6c is the client of the WIDE project.
type dhcp6c struct{}

// prepare implements clientProgram. dhcp6c hands nothing to a script: what it
// does it says in its log.
func (dhcp6c) prepare(c *Client) error {
	send, associations := "", ""
	if c.config.RapidCommit {
		send += " send rapid-commit;"
	}
	if c.config.Address {
		send += " send ia-na 1;"
		associations += "id-assoc na 1 { };\n"
	}
	for i := range c.config.Prefixes {
		send += fmt.Sprintf(" send ia-pd %d;", i+1)
		associations += fmt.Sprintf("id-assoc pd %d { };\n", i+1)
	}
	conf := fmt.Sprintf("interface wan0 {%s };\n%s", send, associations)
	// The length is in the machine's byte order.
	duid := append(binary.NativeEndian.AppendUint16(nil, uint16(len(c.cpe.DUID))), c.cpe.DUID...)
	return errors.Join(
		os.MkdirAll(c.path("lib/dhcpv6"), 0o700),
		os.WriteFile(c.path("lib/dhcpv6/dhcp6c_duid"), duid, 0o600),
		os.WriteFile(c.path("dhcp6c.conf"), []byte(conf), 0o600),
	)
}

// run implements clientProgram. The path of the DUID is built into dhcp6c.
func (dhcp6c) run(c *Client) ([]string, error) {
	args, err := c.tree.program("dhcp6c", "-f", "-D", "-p", c.path("dhcp6c.pid"), "-c", c.path("dhcp6c.conf"), "wan0")
	return private(map[string]string{c.path("lib"): "/var/lib"}, args), err
}

// release implements clientProgram. dhcp6c sends a Release for each IA, and
// waits for the answers.
func (dhcp6c) release(_ context.Context, c *Client) error { return c.process.Signal(syscall.SIGTERM) }

// told implements clientProgram.
func (dhcp6c) told(e Event) *regexp.Regexp {
	switch e {
	case Bound:
		return regexp.MustCompile(`: create an? (?:prefix|address) (\S+) pltime=(\d+), vltime=(\d+)$`)
	case Renewed, Rebound:
		return regexp.MustCompile(`: update an? (?:prefix|address) (\S+) pltime=(\d+), vltime=(\d+)$`)
	case Expired:
		return regexp.MustCompile(`(?:prefix|address) timeout for ([^ ,]+)()()`)
	default:
		return regexp.MustCompile(`: remove an? (?:site prefix|address) (\S+)()()$`)
	}
}
