//go:build linux

package lab

import (
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"time"
)

// tellLeases is the script that dhclient and dhcpcd call at every event.
//
//go:embed tellleases.sh
var tellLeases string

// writeScript writes the script to the client's folder and returns its path.
func (c *Client) writeScript() error {
	return os.WriteFile(c.script(), []byte(tellLeases), 0o700)
}

func (c *Client) script() string { return c.path("tellleases.sh") }

// scriptTold matches what the script prints.
func scriptTold(e Event) *regexp.Regexp {
	return regexp.MustCompile(fmt.Sprintf(`^lease %s (\S+) (\d+) (\d+) \d+$`, e))
}

// promised matches the script's lines about leases that a server has just given
// or extended.
var promised = regexp.MustCompile(fmt.Sprintf(`(?m)^lease (?:%s|%s|%s) (\S+) \d+ (\d+) (\d+)$`, Bound, Renewed, Rebound))

// Promised returns until when the running client was last told that it has each
// of its delegated prefixes, to the second: what it asked for by itself
// included. Only dhclient and dhcpcd tell.
func (c *Client) Promised() map[netip.Prefix]time.Time {
	all := make(map[netip.Prefix]time.Time)
	for _, words := range promised.FindAllStringSubmatch(c.process.Output(), -1) {
		p, err := netip.ParsePrefix(words[1])
		at, atErr := strconv.ParseInt(words[3], 10, 64)
		if err == nil && atErr == nil {
			all[p] = time.Unix(at, 0).Add(seconds(words[2]))
		}
	}
	return all
}

// private returns a command that sees other files at some paths: from each key
// of mounts at its value. Nobody else sees them. `ip netns exec` has given the
// command a mount namespace of its own.
func private(mounts map[string]string, command []string) []string {
	args := []string{"sh", "-ec", `while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done; shift; exec "$@"`, "sh"}
	for from, to := range mounts {
		args = append(args, from, to)
	}
	return append(append(args, "--"), command...)
}
