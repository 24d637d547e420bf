//go:build linux

package lab

import (
	"context"
	_ "embed"
	"fmt"
	"io"
)

// fetchPrometheus is the script that gets it; what it does is told in there.
//
//go:embed prometheus.sh
var fetchPrometheus string

// A PrometheusTree holds Prometheus with all its libraries, in a folder of its
// own.
type PrometheusTree struct{ debTree }

// FetchPrometheus returns Prometheus in the cache folder. If there is none it
// gets it from the Debian mirror that the machine's apt uses, and says so in a
// line on progress. See prometheus.sh.
func FetchPrometheus(ctx context.Context, progress io.Writer) (PrometheusTree, error) {
	t, err := fetchTree(ctx, fetchPrometheus, progress)
	if err != nil {
		return PrometheusTree{}, fmt.Errorf("fetch Prometheus: %w", err)
	}
	return PrometheusTree{t}, nil
}

// Server returns the arguments that run the server.
func (t PrometheusTree) Server(args ...string) ([]string, error) {
	return t.program("prometheus", args)
}

// Promtool returns the arguments that run promtool, which checks what
// Prometheus reads.
func (t PrometheusTree) Promtool(args ...string) ([]string, error) {
	return t.program("promtool", args)
}

func (t PrometheusTree) program(name string, args []string) ([]string, error) {
	path, err := t.find("bin/" + name)
	if err != nil {
		return nil, err
	}
	return t.command(path, args...), nil
}
