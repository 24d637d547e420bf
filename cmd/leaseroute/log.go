package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
)

func newLogCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Show or change what the running daemon logs",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLogLevel(g))
	return cmd
}

func newLogLevel(g *globals) *cobra.Command {
	var asJSON bool
	levels := []string{"error", "warn", "info", "debug", "trace"}
	cmd := &cobra.Command{
		Use:   "level [error|warn|info|debug|trace]",
		Short: "Show the least severe level that is logged, or change it until the daemon ends",
		Args:  usageArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return levels, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			var l control.LogLevel
			if len(args) == 0 {
				err = c.Get(cmd.Context(), "/v1/log/level", nil, &l)
			} else {
				err = c.Post(cmd.Context(), "/v1/log/level", url.Values{"level": args}, &l)
			}
			switch {
			case err != nil:
				return err
			case asJSON:
				return printJSON(cmd.OutOrStdout(), l)
			}
			fmt.Fprintln(cmd.OutOrStdout(), l.Level)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
