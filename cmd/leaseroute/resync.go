package main

import (
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
)

func newResync(g *globals) *cobra.Command {
	var (
		wait    bool
		timeout time.Duration
		link    string
	)
	cmd := &cobra.Command{
		Use:   "resync",
		Short: "Ask all servers again for everything",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			query := url.Values{}
			if link != "" {
				query.Set("interface", link)
			}
			var r control.Resync
			if err := c.Post(cmd.Context(), "/v1/resync", query, &r); err != nil {
				return err
			}
			if !wait {
				fmt.Fprintf(cmd.OutOrStdout(), "asked %d server(s); 'leaseroute status' shows how far they are\n", len(r.Requests))
				return nil
			}
			return watch(cmd.Context(), c, timeout, func(s control.Status) bool { return resynced(s, r) })
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until every server has answered, showing progress")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "with --wait: give up after this long; 0: never")
	cmd.Flags().StringVar(&link, "interface", "", "ask only about the links of this access interface")
	complete(cmd, "interface", g.interfaceNames)
	return cmd
}

// resynced reports whether every server has done what was asked of it, and
// the kernel has what they said.
func resynced(s control.Status, r control.Resync) bool {
	for _, server := range s.Servers {
		if server.RequestsServed < r.Requests[server.Name] {
			return false
		}
	}
	return s.ChangesPending == 0
}
