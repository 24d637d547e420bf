package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"leaseroute/agent"
	"leaseroute/agent/control"
	"leaseroute/agent/doctor"
)

// errUnwell is the end of an examination that found a fault.
var errUnwell = errors.New("something does not work: see the faults above")

func newDoctor(g *globals) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out why it does not work: kernel, interfaces, servers, other programs",
		Long: `Look at all that leaseroute depends on, and say what was found, why it matters
and what mends it. Nothing is changed; each server is asked a question or two.
Exit code 1 says that there is a fault. It works with and without the daemon.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := g.patient(cmd)
			if err != nil {
				return err
			}
			var findings []doctor.Finding
			faults := 0
			doctor.Examine(cmd.Context(), p, func(f doctor.Finding) {
				if f.Level == doctor.Fault {
					faults++
				}
				findings = append(findings, f)
				if !asJSON && (all || f.Level != doctor.OK) {
					printFinding(cmd.OutOrStdout(), f)
				}
			})
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), findings)
			} else {
				printVerdict(cmd.OutOrStdout(), findings)
			}
			if faults > 0 {
				err = errors.Join(err, errUnwell)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&all, "all", false, "show also what is well")
	return cmd
}

// patient gathers what the doctor looks at.
func (g *globals) patient(cmd *cobra.Command) (*doctor.Patient, error) {
	cfg, err := g.load(cmd)
	if err != nil {
		return nil, err
	}
	id, err := agent.RelayIDFor(cfg.RelayID, cfg.StateDir)
	if err != nil {
		return nil, err
	}
	links := agent.NewLinks(cfg, id)
	if err := links.Refresh(); err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	p := agent.Patient(cfg, id, links)
	p.Status = statusOf(cmd.Context(), cfg.Control.Socket)
	return p, nil
}

// statusOf asks the daemon; nil if none answers.
func statusOf(ctx context.Context, socket string) *control.Status {
	var s control.Status
	if err := control.NewClient(socket).Get(ctx, "/v1/status", nil, &s); err != nil {
		return nil
	}
	return &s
}

func printFinding(w io.Writer, f doctor.Finding) {
	about := ""
	if f.About != "" {
		about = f.About + ": "
	}
	fmt.Fprintf(w, "%-5s  %s: %s%s\n", f.Level, f.Check, about, f.Found)
	if f.Why != "" {
		fmt.Fprintf(w, "       why it matters: %s\n", f.Why)
	}
	if f.Fix != "" {
		fmt.Fprintf(w, "       what mends it:  %s\n", f.Fix)
	}
}

// printVerdict counts the findings.
func printVerdict(w io.Writer, findings []doctor.Finding) {
	counts := make(map[doctor.Level]int)
	for _, f := range findings {
		counts[f.Level]++
	}
	fmt.Fprintf(w, "%d ok, %d notes, %d warnings, %d faults\n",
		counts[doctor.OK], counts[doctor.Note], counts[doctor.Warn], counts[doctor.Fault])
}
