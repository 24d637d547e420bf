package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
)

func newWatch(g *globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Follow what happens to bindings, routes and servers, as it happens",
		Long: `Follow what happens to bindings, routes and servers, as it happens, until it is
interrupted. With --json a line is a JSON object, as docs/events.md describes
it. A reader that is too slow is told how much it missed.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			lines := json.NewEncoder(w)
			return control.Watch(cmd.Context(), c, func(n control.News) error {
				if asJSON {
					return lines.Encode(n)
				}
				return printNews(w, n)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one object a line")
	return cmd
}

// printNews prints one event on one line.
func printNews(w io.Writer, n control.News) error {
	_, err := fmt.Fprintf(w, "%s  %-15s  %s\n", n.At.Format(millis), n.Event, newsText(n))
	return err
}

// newsText is an event in words, without its kind.
func newsText(n control.News) string {
	switch {
	case n.Binding != nil:
		return bindingNewsText(n.Binding)
	case n.Route != nil:
		return n.Route.Prefix + place(n.Route.NextHop, n.Route.Interface) + ": " + because(n.Route.Reason, n.Route.Rule, n.Route.Detail)
	case n.Server != nil:
		text := fmt.Sprintf("%s is %s, was %s", n.Server.Name, shade(n.Server.New), n.Server.Old)
		if n.Server.Error != "" {
			text += ": " + n.Server.Error
		}
		return text
	case n.Recovery != nil && n.Event == control.EventBegin:
		return shade(n.Recovery.New)
	case n.Recovery != nil:
		return fmt.Sprintf("%s, was %s", shade(n.Recovery.New), n.Recovery.Old)
	}
	return fmt.Sprintf("%d events, since they were not read in time", n.Missed)
}

func bindingNewsText(b *control.BindingNews) string {
	was, is := b.Old, b.New
	if is == nil {
		is, was = was, nil
	}
	text := b.Prefix + " " + shade(is.State) + ", client " + dash(is.ClientDUID) + place(is.NextHop, is.Interface) + " valid for " + left(is.ValidUntil)
	if is.Server != "" {
		text += " by " + is.Server
	}
	text += " (" + is.Source + "): " + because(b.Reason, b.Rule, "")
	if before := changed(was, is); before != "" {
		text += "; before: " + before
	}
	return text
}

// changed lists what was different before.
func changed(was, is *control.BindingState) string {
	if was == nil {
		return ""
	}
	var parts []string
	if was.State != is.State {
		parts = append(parts, was.State)
	}
	if was.ClientDUID != is.ClientDUID {
		parts = append(parts, "client "+dash(was.ClientDUID))
	}
	if was.NextHop != is.NextHop || was.Interface != is.Interface {
		parts = append(parts, strings.TrimSpace(place(was.NextHop, was.Interface)))
	}
	if was.Server != is.Server || was.Source != is.Source {
		parts = append(parts, strings.TrimSpace(was.Server+" ("+was.Source+")"))
	}
	return strings.Join(parts, ", ")
}

// place is where a route leads; "" if that is not known.
func place(nextHop, link string) string {
	var text string
	if nextHop != "" {
		text += " via " + nextHop
	}
	if link != "" {
		text += " dev " + link
	}
	return text
}

// because is a reason with its rule and details.
func because(reason, rule, detail string) string {
	if rule != "" {
		reason += " [" + rule + "]"
	}
	if detail != "" {
		reason += ": " + detail
	}
	return reason
}
