package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
)

// errNotCleared is the end of a clearing that nobody wanted.
var errNotCleared = errors.New("nothing was cleared")

func newClear(g *globals) *cobra.Command {
	var (
		yes, asJSON         bool
		clients, interfaces []string
	)
	cmd := &cobra.Command{
		Use:   "clear [PREFIX|ADDRESS] [--client DUID] [--interface NAME]",
		Short: "Forget bindings, and remove their routes (RFC 8987, O-2)",
		Long: `Forget bindings, and remove their routes: those at or inside a prefix, the one
that covers an address, those of a client, those on an interface; with several
of these only what meets all. A binding comes back when its client next speaks
to its server, and not by asking the servers again. What is to be cleared is
counted and asked about first, on a terminal; elsewhere --yes is needed.`,
		Example: `  leaseroute clear 2001:db8:8000:200::/56
  leaseroute clear --client 00:03:00:01:02:00:00:00:00:01
  leaseroute clear --interface acc0 --yes`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			query := url.Values{"prefix": args, "client": clients, "interface": interfaces}
			if len(args)+len(clients)+len(interfaces) == 0 {
				return fmt.Errorf("%w: say what: a prefix, --client or --interface (see '%s --help')", errUsage, cmd.CommandPath())
			}
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			var counted, done control.Cleared
			if err := c.Get(cmd.Context(), "/v1/clear", query, &counted); err != nil {
				return err
			}
			if counted.Bindings > 0 && !yes {
				if err := confirm(cmd.InOrStdin(), cmd.ErrOrStderr(), fmt.Sprintf("clear %d binding(s)?", counted.Bindings)); err != nil {
					return err
				}
			}
			if counted.Bindings > 0 {
				if err := c.Post(cmd.Context(), "/v1/clear", query, &done); err != nil {
					return err
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), done)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "cleared %d binding(s) and %d route(s)\n", done.Bindings, done.Routes)
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&clients, "client", nil, "those of this client: a DUID in hex")
	cmd.Flags().StringSliceVar(&interfaces, "interface", nil, "those on this interface")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	complete(cmd, "interface", g.interfaceNames)
	complete(cmd, "client", words())
	return cmd
}

// confirm asks a question on a terminal; nil means yes.
func confirm(in io.Reader, out io.Writer, question string) error {
	if f, ok := in.(*os.File); !ok || !onTerminal(f) {
		return fmt.Errorf("%s nobody is there to ask: say --yes; %w", question, errNotCleared)
	}
	fmt.Fprintf(out, "%s [y/N] ", question)
	line, err := bufio.NewReader(in).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); err == nil && (answer == "y" || answer == "yes") {
		return nil
	}
	return errNotCleared
}
