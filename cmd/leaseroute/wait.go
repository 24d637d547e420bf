package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"leaseroute/agent"
	"leaseroute/agent/control"
)

func newWait(g *globals) *cobra.Command {
	var (
		recovered bool
		timeout   time.Duration
	)
	cmd := &cobra.Command{
		Use:   "wait --recovered",
		Short: "Wait until the routes are back, to gate what should follow",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !recovered {
				return fmt.Errorf("%w: say what to wait for: --recovered", errUsage)
			}
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			return watch(cmd.Context(), c, timeout, func(s control.Status) bool { return s.State == string(agent.Recovered) })
		},
	}
	cmd.Flags().BoolVar(&recovered, "recovered", false, "until every server has completed its round and its routes are in the kernel")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "give up after this long; 0: never")
	return cmd
}
