//go:build linux

package lab

import (
	"context"
	_ "embed"
	"fmt"
	"io"
)

// fetchPeers is the script that gets the peers; what it does is told in there.
//
//go:embed peers.sh
var fetchPeers string

// A PeerTree holds DHCPv6 programs that are met in the field, with all their
// libraries, in a folder of its own.
type PeerTree struct{ debTree }

// FetchPeers returns the programs in the cache folder. If there are none it
// gets them from the Debian mirror that the machine's apt uses, and says so in
// a line on progress. See peers.sh.
func FetchPeers(ctx context.Context, progress io.Writer) (PeerTree, error) {
	t, err := fetchTree(ctx, fetchPeers, progress)
	if err != nil {
		return PeerTree{}, fmt.Errorf("fetch DHCPv6 programs: %w", err)
	}
	return PeerTree{t}, nil
}

// program returns the arguments that run one of the programs.
func (t PeerTree) program(name string, args ...string) ([]string, error) {
	path, err := t.find("sbin/" + name)
	if err != nil {
		return nil, err
	}
	return t.command(path, args...), nil
}
