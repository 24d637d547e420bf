package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

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
	fmt.Fprintf(w, "%s: %s (%s)\n", b.Prefix, shade(b.State), why)
	fmt.Fprintf(w, "  client %s via %s dev %s\n", dash(b.ClientDUID), dash(b.NextHop), dash(b.Interface))
	fmt.Fprintf(w, "  valid for %s; last word from %s (%s), client last heard %s\n", left(b.ValidUntil), dash(b.Server), b.Source, ago(b.CLT))
}

// millis is RFC 3339 to the millisecond: packets follow one another closely.
const millis = "2006-01-02T15:04:05.000Z07:00"

// circumstances are the packet that taught something and where it put the
// client, as far as they are known.
func circumstances(v control.Event) string {
	var parts []string
	if v.Message != "" {
		parts = append(parts, v.Message)
	}
	if v.Interface != "" {
		parts = append(parts, "on "+v.Interface)
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// printRemark tells what became of a binding by nobody's word.
func printRemark(w io.Writer, v control.Event) {
	fmt.Fprintf(w, "  %s  %s", v.At.Format(millis), v.Reason)
	if v.Rule != "" {
		fmt.Fprintf(w, " [%s]", v.Rule)
	}
	fmt.Fprintf(w, "; binding of client %s%s\n", dash(v.Client), circumstances(control.Event{Interface: v.Interface}))
}

func printEvent(w io.Writer, v control.Event) {
	if v.Remark {
		printRemark(w, v)
		return
	}
	verdict := "lost"
	if v.Won {
		verdict = "won"
	}
	who := v.Source
	if v.Server != "" {
		who += " from " + v.Server
	}
	fmt.Fprintf(w, "  %s  %s%s: %s", v.At.Format(millis), who, circumstances(v), v.Reason)
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
