//go:build linux

// Command bench measures what leaseroute promises to be (docs/benchmarks.md):
// how fast it brings routes back, from a stream of bindings into the kernel;
// how much memory it takes; what a resync costs that finds nothing new; how
// long forwarding stops while the kernel looks for expired routes; how much
// relayed traffic it can follow, and how closely; how fast routes stand by the
// state file alone; how soon an unknown source is routed, and what the rules
// that find it cost the packets of known ones.
//
// It runs the built daemon, as root, in network namespaces of its own. Each
// figure that depends on the machine stands beside a yardstick that was
// measured in the same run, in turns with it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	b, err := parse()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	results, err := b.all(ctx)
	printTable(os.Stdout, results)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// parse reads the command line.
func parse() (*bench, error) {
	b := &bench{}
	var only string
	flag.StringVar(&b.binary, "binary", "bin/leaseroute", "the leaseroute to measure")
	flag.StringVar(&only, "only", ".", "regular expression of the benchmarks to run, by name")
	flag.IntVar(&b.pairs, "pairs", 5, "how often product and yardstick are measured in turns")
	flag.IntVar(&b.few, "few", 100_000, "bindings of a small run")
	flag.IntVar(&b.many, "many", 1_000_000, "bindings of a large run")
	flag.Parse()
	var err error
	if b.only, err = regexp.Compile(only); err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	if b.pairs < 1 || b.few < 1 || b.many < 1 || flag.NArg() > 0 {
		return nil, fmt.Errorf("numbers must be positive, and nothing may follow the flags")
	}
	if b.binary, err = filepath.Abs(b.binary); err != nil {
		return nil, err
	}
	_, err = os.Stat(b.binary)
	return b, err
}
