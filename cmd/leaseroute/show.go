package main

import (
	"bufio"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
)

func newShow(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "List bindings, routes, servers or queries",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newShowBindings(g), newShowRoutes(g), newShowServers(g), newShowQueries(g))
	return cmd
}

func newShowBindings(g *globals) *cobra.Command {
	var f filters
	cmd := newShowArray(g, "bindings", "List every lease that is known, and what became of it", &f, bindingHeader, bindingRow)
	cmd.Example = `  leaseroute show bindings --state refused --state unresolved
  leaseroute show bindings --interface acc0 --within 2001:db8:8000::/40 --json`
	f.flags(cmd, g, "installed", "pending", "suspect", "unresolved", "refused", "kept")
	return cmd
}

func newShowRoutes(g *globals) *cobra.Command {
	var f filters
	cmd := newShowArray(g, "routes", "List the routes that the daemon holds in the kernel", &f, routeHeader, routeRow)
	f.flags(cmd, g, "installed", "suspect")
	return cmd
}

func newShowQueries(g *globals) *cobra.Command {
	var f filters
	cmd := newShowArray(g, "queries", "List what the servers are asked, were asked of late, and are not asked for a while", &f, queryHeader, queryRow)
	cmd.Long = `List what the servers are asked, were asked of late, and are not asked for a
while. The kinds are: round, in which a server is asked for everything; lookup,
by which the servers are asked about one address; negative, an address that is
left alone since nobody holds it or nobody answered; suspect, a binding in
doubt, about which its server is asked.`
	f.flags(cmd, g, "idle", "connecting", "querying", "complete", "failed", "under way", "found", "unrouted", "denied", "unanswered", "held off", "in doubt")
	cmd.Flags().StringSliceVar(&f.kinds, "kind", nil, "only queries of this kind")
	complete(cmd, "kind", words("round", "lookup", "negative", "suspect"))
	return cmd
}

// newShowArray is a command that fetches the array /v1/NAME and prints it as
// it comes in.
func newShowArray[T any](g *globals, name, short string, f *filters, header []string, row func(T) []string) *cobra.Command {
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
			w := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
			out := newListPrinter(w, asJSON, header, row)
			err = control.Each(cmd.Context(), c, "/v1/"+name, f.query(), out.add)
			if err == nil {
				err = out.end()
			}
			return errors.Join(err, w.Flush())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newShowServers(g *globals) *cobra.Command {
	var (
		asJSON       bool
		names, state []string
	)
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
			servers := slices.DeleteFunc(s.Servers, func(v control.Server) bool {
				return len(names) > 0 && !slices.Contains(names, v.Name) || len(state) > 0 && !slices.Contains(state, v.State)
			})
			if asJSON {
				return printJSON(cmd.OutOrStdout(), servers)
			}
			if err := printServers(cmd.OutOrStdout(), servers); err != nil {
				return err
			}
			return printServerCounters(cmd.OutOrStdout(), servers)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringSliceVar(&names, "server", nil, "only this server, by its name; each filter may be repeated")
	cmd.Flags().StringSliceVar(&state, "state", nil, "only servers in this state")
	complete(cmd, "server", g.serverNames)
	complete(cmd, "state", words("idle", "connecting", "querying", "complete", "failed"))
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

var bindingHeader = []string{"prefix", "state", "next hop", "interface", "valid for", "server", "source", "client", "reason"}

func bindingRow(b control.Binding) []string {
	return []string{
		b.Prefix, b.State, dash(b.NextHop), dash(b.Interface), left(b.ValidUntil), dash(b.Server), b.Source, dash(b.ClientDUID), b.Reason,
	}
}

var routeHeader = []string{"prefix", "next hop", "interface", "expires in", "state"}

func routeRow(r control.Route) []string {
	expires := "never"
	if r.Expires != nil {
		expires = left(r.Expires)
	}
	return []string{r.Prefix, dash(r.NextHop), r.Interface, expires, r.State}
}

var queryHeader = []string{"kind", "state", "asked", "server", "interface", "client", "since", "until", "reason"}

func queryRow(q control.Query) []string {
	until := "-"
	if q.Until != nil {
		until = fromNow(*q.Until)
	}
	return []string{
		q.Kind, q.State, dash(q.Asked), dash(q.Server), dash(q.Interface), dash(q.ClientDUID), ago(q.Since), until, dash(q.Reason),
	}
}
