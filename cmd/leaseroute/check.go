package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"leaseroute/agent"
	"leaseroute/config"
	"leaseroute/routes"
)

func newCheck(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration, and print it as resolved on this machine",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := g.load(cmd)
			if err != nil {
				return err
			}
			id, known, err := identity(cfg)
			if err != nil {
				return err
			}
			links := agent.NewLinks(cfg, id)
			if err := links.Refresh(); err != nil {
				return fmt.Errorf("list the interfaces: %w", err)
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "%s: no faults\n", g.configFile)
			for _, warning := range cfg.Warnings {
				fmt.Fprintf(w, "warning: %s\n", warning)
			}
			printResolved(w, cfg, known, links)
			return nil
		},
	}
}

// identity is the relay-id, and how to show it. Not everybody may read it; a
// configuration can be checked all the same.
func identity(cfg *config.Config) (id []byte, shown string, err error) {
	id, err = agent.RelayIDFor(cfg.RelayID, cfg.StateDir)
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, "kept in " + cfg.StateDir + ", which you may not read", nil
	case err != nil:
		return nil, "", err
	case id == nil:
		return nil, "made at the first start, and kept in " + cfg.StateDir, nil
	}
	return id, hexColons(id), nil
}

func printResolved(w io.Writer, cfg *config.Config, relayID string, links *routes.Links) {
	fmt.Fprintln(w)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("relay-id", "%s", relayID)
	all := links.Interfaces()
	line("access", "%s", matched(all, cfg.Interfaces.Access, func(i routes.Interface) bool { return i.Access }))
	line("core", "%s", matched(all, cfg.Interfaces.Core, func(i routes.Interface) bool { return i.Core }))
	for _, l := range agent.LinksFor(cfg, links) {
		line("link", "%s on %s", l.Address, dash(links.Name(l.Interface)))
	}
	for _, r := range cfg.RemoteIDs {
		line("remote-id", "%s", hexColons(r))
	}
	for _, s := range cfg.Servers {
		line("server", "%s", describeServer(s))
	}
	for _, p := range cfg.Delegation.Allowed {
		line("allowed", "%s, lengths %d to %d", p, cfg.Delegation.MinLength, cfg.Delegation.MaxLength)
	}
	r := cfg.Routes
	line("routes", "table %d, protocol %d, metric %d, fail-safe expiry %s", r.Table, r.Protocol, r.Metric, onOff(r.FailSafe, "lease end + "+r.FailSafeMargin.String()))
	line("on demand", "%s", onOff(cfg.OnDemand.Enabled, fmt.Sprintf("mode %s, at most %d lookups a second, from UDP port %d", mode(cfg.OnDemand.Guard), cfg.OnDemand.Rate, cfg.OnDemand.LocalPort)))
	line("control", "%s", cfg.Control.Socket)
	line("metrics", "%s", onOff(cfg.Metrics.Listen.IsValid(), cfg.Metrics.Listen.String()))
}

// matched lists the interfaces that match the patterns.
func matched(all []routes.Interface, patterns []string, is func(routes.Interface) bool) string {
	var names []string
	for _, i := range all {
		if is(i) {
			names = append(names, i.Name)
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("none now (%s); used as soon as one appears", strings.Join(patterns, " "))
	}
	return fmt.Sprintf("%s (%s)", strings.Join(names, " "), strings.Join(patterns, " "))
}

func describeServer(s config.Server) string {
	var types []string
	for _, q := range s.Queries {
		types = append(types, string(q))
	}
	how := "until one yields a binding"
	if s.QueryAll {
		how = "all of them"
	}
	from := ""
	if s.Source.IsValid() {
		from = " from " + s.Source.String()
	}
	lookup := "; about single addresses over UDP"
	if !s.Lookup {
		lookup = "; never over UDP"
	}
	if !s.Bulk {
		return fmt.Sprintf("%s at %s%s, asked about single addresses over UDP only", s.Name, s.Address, from)
	}
	return fmt.Sprintf("%s at %s%s, asked by %s (%s)%s", s.Name, s.Address, from, strings.Join(types, ", "), how, lookup)
}

// mode names what happens to packets from unknown sources.
func mode(guard bool) string {
	if guard {
		return "guard"
	}
	return "accept"
}

func onOff(on bool, text string) string {
	if !on {
		return "off"
	}
	return text
}
