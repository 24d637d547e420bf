//go:build linux

package lab

import (
	_ "embed"
	"fmt"
	"os"
	"regexp"
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
	return regexp.MustCompile(fmt.Sprintf(`^lease %s (\S+) (\d+) (\d+)$`, e))
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
