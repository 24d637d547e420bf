//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"syscall"
)

// dhcpcd is Roy Marples's client.
type dhcpcd struct{}

// prepare implements clientProgram.
func (dhcpcd) prepare(c *Client) error {
	conf := "duid\nipv6only\nnoipv6rs\nnodelay\n"
	if c.config.RapidCommit {
		conf += "option rapid_commit\n"
	}
	conf += "interface wan0\n"
	if c.config.Address {
		conf += "ia_na 1\n"
	}
	for i := range c.config.Prefixes {
		conf += fmt.Sprintf("ia_pd %d\n", i+1)
	}
	return errors.Join(
		c.writeScript(),
		os.MkdirAll(c.path("lib/dhcpcd"), 0o700),
		os.Mkdir(c.path("run"), 0o700),
		os.WriteFile(c.path("dhcpcd.conf"), []byte(conf), 0o600),
		os.WriteFile(c.path("lib/dhcpcd/duid"), []byte(colons(c.cpe.DUID)+"\n"), 0o600),
		writeUsers(c.path("passwd")),
	)
}

// writeUsers writes the machine's users without dhcpcd's own: if it finds that
// one, it splits into several processes and looks for more folders.
func writeUsers(file string) error {
	b, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return err
	}
	own := regexp.MustCompile(`(?m)^_?dhcpcd:.*\n`)
	return os.WriteFile(file, own.ReplaceAll(b, nil), 0o644)
}

// run implements clientProgram. The folders are built into dhcpcd.
func (dhcpcd) run(c *Client) ([]string, error) {
	args, err := c.tree.program("dhcpcd", "-6", "-B", "-d", "-f", c.path("dhcpcd.conf"), "-c", c.script(), "wan0")
	return private(map[string]string{
		c.path("lib"): "/var/lib", c.path("run"): "/run", c.path("passwd"): "/etc/passwd",
	}, args), err
}

// release implements clientProgram, as `dhcpcd -k` does. dhcpcd waits for the
// answer, and sends the Release again if there is none.
func (dhcpcd) release(_ context.Context, c *Client) error { return c.process.Signal(syscall.SIGALRM) }

// told implements clientProgram.
func (dhcpcd) told(e Event) *regexp.Regexp { return scriptTold(e) }
