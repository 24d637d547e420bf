package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
)

// errUnanswered is the end of a lookup that no server answered.
var errUnanswered = errors.New("no server answered")

func newLookup(g *globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lookup ADDRESS",
		Short: "Have the daemon ask the servers about one address now, and show what each said",
		Long: `Have the daemon ask the servers about one address now, over UDP, and show what
each said. What they hold is learnt and routed, as if a packet had come from
there. Any address inside a delegated prefix will do.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			var l control.Lookup
			if err := c.Post(cmd.Context(), "/v1/lookup", url.Values{"address": args}, &l); err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), l)
			} else {
				err = printLookup(cmd.OutOrStdout(), l)
			}
			return errors.Join(err, answered(l))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// answered is nil if any server answered.
func answered(l control.Lookup) error {
	for _, r := range l.Replies {
		if r.Said != "" {
			return nil
		}
	}
	return errUnanswered
}

func printLookup(w io.Writer, l control.Lookup) error {
	var rows [][]string
	for _, r := range l.Replies {
		took := (time.Duration(r.Took * float64(time.Second))).Round(10 * time.Microsecond).String()
		if len(r.Leases) == 0 {
			rows = append(rows, []string{r.Server, took, dash(r.Said), "-", "-", "-", "-", "-", dash(r.Error)})
		}
		for _, lease := range r.Leases {
			rows = append(rows, []string{
				r.Server, took, dash(r.Said), lease.Prefix, left(lease.ValidUntil), lease.ClientDUID,
				dash(lease.NextHop), dash(lease.Interface), dash(r.Error),
			})
		}
	}
	if err := printTable(w, []string{"server", "took", "said", "prefix", "valid for", "client", "next hop", "interface", "error"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if l.Binding == nil {
		fmt.Fprintf(w, "%s: no lease covers it\n", l.Asked)
		return nil
	}
	printHeld(w, *l.Binding)
	return nil
}
