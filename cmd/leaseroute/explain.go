package main

import (
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
)

func newExplain(g *globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain PREFIX|ADDRESS",
		Short: "Tell the story of a prefix: who said what, which rule decided, what the kernel holds",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			var e control.Explanation
			if err := c.Get(cmd.Context(), "/v1/explain", url.Values{"of": args}, &e); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), e)
			}
			printExplanation(cmd.OutOrStdout(), e)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printExplanation(w io.Writer, e control.Explanation) {
	switch {
	case e.Prefix == "":
		fmt.Fprintf(w, "%s: nothing is known\n", e.Asked)
	case e.Binding == nil:
		fmt.Fprintf(w, "%s: no lease is held\n", e.Prefix)
	default:
		printHeld(w, *e.Binding)
	}
	for _, v := range e.Events {
		printEvent(w, v)
	}
	fmt.Fprintf(w, "  kernel: %s\n", e.Kernel)
	if e.Advice != "" {
		fmt.Fprintf(w, "  %s\n", e.Advice)
	}
}

func printHeld(w io.Writer, b control.Binding) {
	why := b.Reason
	if b.Detail != "" {
		why += ": " + b.Detail
	}
	fmt.Fprintf(w, "%s: %s (%s)\n", b.Prefix, b.State, why)
	fmt.Fprintf(w, "  client %s via %s dev %s\n", dash(b.ClientDUID), dash(b.NextHop), dash(b.Interface))
	fmt.Fprintf(w, "  valid for %s; last word from %s (%s), client last heard %s\n", left(b.ValidUntil), dash(b.Server), b.Source, ago(b.CLT))
}

func printEvent(w io.Writer, v control.Event) {
	verdict := "lost"
	if v.Won {
		verdict = "won"
	}
	who := v.Source
	if v.Server != "" {
		who += " from " + v.Server
	}
	fmt.Fprintf(w, "  %s  %s: %s", v.At.Format(time.RFC3339), who, v.Reason)
	if v.Rule != "" {
		fmt.Fprintf(w, " [%s]", v.Rule)
	}
	if v.Client != "" {
		fmt.Fprintf(w, "; client %s %s", v.Client, verdict)
	}
	if v.Other != "" {
		fmt.Fprintf(w, " against %s", v.Other)
	}
	fmt.Fprintln(w)
}
