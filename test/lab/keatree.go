//go:build linux

package lab

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"path/filepath"
)

// fetchKea is the script that gets Kea; what it does is told in there.
//
//go:embed kea.sh
var fetchKea string

// A KeaTree is a Kea with all its libraries, in a folder of its own.
type KeaTree struct {
	debTree
	hooks string // folder of the hook libraries
}

// FetchKea returns the Kea 3.0 in the cache folder. If there is none it gets
// it from the Debian mirror that the machine's apt uses, and says so in a line
// on progress. See kea.sh.
func FetchKea(ctx context.Context, progress io.Writer) (KeaTree, error) {
	t, err := fetchTree(ctx, fetchKea, progress)
	if err != nil {
		return KeaTree{}, fmt.Errorf("fetch Kea: %w", err)
	}
	hooks, err := t.find("lib/*/kea/hooks")
	if err != nil {
		return KeaTree{}, fmt.Errorf("open Kea: %w", err)
	}
	return KeaTree{t, hooks}, nil
}

// server returns the arguments that run kea-dhcp6.
func (t KeaTree) server(args ...string) []string {
	return t.command(filepath.Join(t.dir, "usr/sbin/kea-dhcp6"), args...)
}
