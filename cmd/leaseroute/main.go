// Command leaseroute rebuilds the routes to delegated prefixes on an edge
// router by asking the DHCP servers what they have leased.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
	"leaseroute/config"
)

// Exit codes (DESIGN.md 5).
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errUsage marks what is wrong with the command line.
var errUsage = errors.New("usage")

// A configError is why there is no configuration.
type configError struct{ error }

func (e configError) Unwrap() error { return e.error }

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root, out := newRoot(), &output{to: os.Stdout}
	root.SetOut(out)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = out.err
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(os.Stderr, message(err))
	return exitCode(err)
}

// exitCode tells a mistake of the caller's from a failure.
func exitCode(err error) int {
	var (
		config  configError
		refused *control.RefusedError
	)
	switch {
	case errors.Is(err, errUsage), errors.As(err, &config):
		return exitUsage
	case errors.As(err, &refused) && refused.Code == http.StatusBadRequest:
		return exitUsage
	}
	return exitFailed
}

// message is the error as an operator reads it. A list of faults has a file
// name in front of each line already.
func message(err error) string {
	var faults config.Faults
	if errors.As(err, &faults) {
		return faults.Error()
	}
	return "leaseroute: " + err.Error()
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "leaseroute",
		Short:         "Rebuild and keep the routes to delegated prefixes, by DHCP leasequery",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w (see '%s --help')", errUsage, err, cmd.CommandPath())
	})
	var g globals
	root.PersistentFlags().StringVarP(&g.configFile, "config", "c", config.DefaultPath, "configuration file")
	config.Flags(root.PersistentFlags())
	root.AddCommand(
		newRun(&g), newCheck(&g),
		newStatus(&g), newShow(&g), newExplain(&g), newResync(&g), newLookup(&g), newWait(&g), newDoctor(&g), newReload(&g),
		newWatch(&g), newClear(&g), newLogCommand(&g),
		newQuery(&g), newSimulate(), newDemo(), newVersion(), newMan(),
	)
	return root
}

// usageArgs makes a complaint about arguments an error of usage.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return fmt.Errorf("%w: %w (see '%s --help')", errUsage, err, cmd.CommandPath())
		}
		return nil
	}
}
