package main

import (
	"cmp"
	"errors"
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
	state := shade(s.State)
	if s.RecoveredAfterSeconds != nil {
		state += fmt.Sprintf(" after %.3f s", *s.RecoveredAfterSeconds)
	}
	fmt.Fprintf(w, "leaseroute %s, up %s\n", s.Version, time.Since(s.Started).Round(time.Second))
	fmt.Fprintf(w, "state     %s\n", state)
	fmt.Fprintf(w, "relay-id  %s\n", s.RelayID)
	fmt.Fprintf(w, "bindings  %d%s\n", s.Bindings, parts(s.ByState))
	fmt.Fprintf(w, "routes    %d in the kernel\n", s.RoutesInstalled)
	fmt.Fprintf(w, "announced %s\n", announcing(s.Announcing))
	fmt.Fprintf(w, "gleaning  %s\n", gleaning(s.Counters))
	fmt.Fprintf(w, "on demand %s\n", onDemand(s))
	if s.Metrics.Error != "" {
		fmt.Fprintf(w, "metrics   not served at %s: %s\n", s.Metrics.Listen, s.Metrics.Error)
	}
	fmt.Fprintln(w)
	return errors.Join(
		printServers(w, s.Servers),
		printUnrouted(w, s.Refused),
		printCounters(w, "worth a look", s.Counters),
	)
}

// onDemand says whether unknown addresses are asked about, and how that goes.
func onDemand(s control.Status) string {
	if s.OnDemand.State != "armed" {
		text := s.OnDemand.State
		if s.OnDemand.Error != "" {
			text += ": " + s.OnDemand.Error
		}
		return text
	}
	of := func(name string) uint64 { return s.Counters["on_demand_"+name] }
	return fmt.Sprintf("armed (%s): %d lookups, %d found, %d held by nobody, %d unanswered",
		s.OnDemand.Mode, of("lookups"), of("found"), of("denied"), of("unanswered"))
}

// gleaning says what was seen on the wire. A daemon that does not watch it has
// no such counters.
func gleaning(counters map[string]uint64) string {
	interfaces, watching := counters["glean_interfaces"]
	if !watching {
		return "no"
	}
	return fmt.Sprintf("on %d interfaces: %d packets, %d lost, %d answers learnt from, %d releases",
		interfaces, counters["glean_received"], counters["glean_kernel_dropped"], counters["glean_taught"], counters["glean_released"])
}

// parts lists counts by name; "" if there are none.
func parts(counts map[string]int) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%d %s", counts[name], name))
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(out, ", ")
}

// printUnrouted says why bindings have no route, if some have none.
func printUnrouted(w io.Writer, refused map[string]int) error {
	if len(refused) == 0 {
		return nil
	}
	var rows [][]string
	for _, why := range slices.Sorted(maps.Keys(refused)) {
		rows = append(rows, []string{fmt.Sprint(refused[why]), why})
	}
	fmt.Fprintln(w)
	return printTable(w, []string{"bindings", "without a route, because"}, rows)
}

func printServers(w io.Writer, servers []control.Server) error {
	var rows [][]string
	for _, s := range servers {
		rows = append(rows, []string{
			s.Name, s.Address, s.State, ago(s.LastComplete), fmt.Sprint(s.BindingsReceived), dash(s.Query), s.Lookup,
			dash(cmp.Or(s.Error, s.LookupError)),
		})
	}
	return printTable(w, []string{"server", "address", "state", "last complete", "received", "asking", "lookup", "error"}, rows)
}
