//go:build linux

package lab

import (
	"context"
	_ "embed"
	"fmt"
	"io"
)

// fetchRouters is the script that gets the routing daemons; what it does is
// told in there.
//
//go:embed routers.sh
var fetchRouters string

// A RouterTree holds routing daemons, FRR and BIRD, with all their libraries,
// in a folder of its own.
type RouterTree struct{ debTree }

// FetchRouters returns the programs in the cache folder. If there are none it
// gets them from the Debian mirror that the machine's apt uses, and says so in
// a line on progress. See routers.sh.
func FetchRouters(ctx context.Context, progress io.Writer) (RouterTree, error) {
	t, err := fetchTree(ctx, fetchRouters, progress)
	if err != nil {
		return RouterTree{}, fmt.Errorf("fetch routing daemons: %w", err)
	}
	t.extra = "frr"
	return RouterTree{t}, nil
}
