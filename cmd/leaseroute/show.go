package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
)

func newShow(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "List bindings, routes or servers",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newShowArray(g, "bindings", "List every lease that is known, and what became of it", printBindings),
		newShowArray(g, "routes", "List the routes that the daemon holds in the kernel", printRoutes),
		newShowServers(g),
	)
	return cmd
}

// newShowArray is a command that fetches the array /v1/NAME and prints it.
func newShowArray[T any](g *globals, name, short string, print func(io.Writer, []T) error) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			all := []T{}
			if err := c.Get(cmd.Context(), "/v1/"+name, nil, &all); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			return print(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newShowServers(g *globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "servers",
		Short: "List the DHCP servers and how they answer",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			var s control.Status
			if err := c.Get(cmd.Context(), "/v1/status", nil, &s); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), s.Servers)
			}
			if err := printServers(cmd.OutOrStdout(), s.Servers); err != nil {
				return err
			}
			return printServerCounters(cmd.OutOrStdout(), s.Servers)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printServerCounters adds what is worth a look with each server.
func printServerCounters(w io.Writer, servers []control.Server) error {
	var errs []error
	for _, s := range servers {
		errs = append(errs, printCounters(w, "of "+s.Name, s.Counters))
	}
	return errors.Join(errs...)
}

func printBindings(w io.Writer, all []control.Binding) error {
	rows := make([][]string, 0, len(all))
	for _, b := range all {
		rows = append(rows, []string{
			b.Prefix, b.State, dash(b.NextHop), dash(b.Interface), left(b.ValidUntil), dash(b.Server), b.Source, dash(b.ClientDUID), b.Reason,
		})
	}
	return printTable(w, []string{"prefix", "state", "next hop", "interface", "valid for", "server", "source", "client", "reason"}, rows)
}

func printRoutes(w io.Writer, all []control.Route) error {
	rows := make([][]string, 0, len(all))
	for _, r := range all {
		rows = append(rows, []string{r.Prefix, dash(r.NextHop), r.Interface, left(r.Expires), r.State})
	}
	return printTable(w, []string{"prefix", "next hop", "interface", "expires in", "state"}, rows)
}
