package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
)

func newStatus(g *globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how the daemon and its servers are",
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
				return printJSON(cmd.OutOrStdout(), s)
			}
			return printStatus(cmd.OutOrStdout(), s)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printStatus(w io.Writer, s control.Status) error {
	state := s.State
	if s.RecoveredAfterSeconds != nil {
		state += fmt.Sprintf(" after %.3f s", *s.RecoveredAfterSeconds)
	}
	fmt.Fprintf(w, "leaseroute %s, up %s\n", s.Version, time.Since(s.Started).Round(time.Second))
	fmt.Fprintf(w, "state     %s\n", state)
	fmt.Fprintf(w, "relay-id  %s\n", s.RelayID)
	fmt.Fprintf(w, "bindings  %d%s\n", s.Bindings, parts(s.ByState))
	fmt.Fprintf(w, "routes    %d in the kernel\n", s.RoutesInstalled)
	if len(s.Refused) > 0 {
		fmt.Fprintf(w, "unrouted %s\n", parts(s.Refused))
	}
	if c := parts(nonzero(s.Counters)); c != "" {
		fmt.Fprintf(w, "counters %s\n", c)
	}
	fmt.Fprintln(w)
	return printServers(w, s.Servers)
}

// parts lists counts by name; "" if there are none.
func parts[N int | uint64](counts map[string]N) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 0 {
			out = append(out, fmt.Sprintf("%s %d", name, counts[name]))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}

// nonzero leaves out what never happened.
func nonzero(counts map[string]uint64) map[string]uint64 {
	out := maps.Clone(counts)
	maps.DeleteFunc(out, func(_ string, n uint64) bool { return n == 0 })
	return out
}

func printServers(w io.Writer, servers []control.Server) error {
	var rows [][]string
	for _, s := range servers {
		rows = append(rows, []string{
			s.Name, s.Address, s.State, ago(s.LastComplete), fmt.Sprint(s.BindingsReceived), dash(s.Query), dash(s.Error),
		})
	}
	return printTable(w, []string{"server", "address", "state", "last complete", "received", "asking", "error"}, rows)
}
