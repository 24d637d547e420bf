package main

import (
	"os"

	"github.com/spf13/cobra"

	"leaseroute/agent"
)

func newRun(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the daemon: adopt, ask, install, and stay",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := g.load(cmd)
			if err != nil {
				return err
			}
			log := newLog(os.Stderr, cfg.Log)
			for _, w := range cfg.Warnings {
				log.Warn(w)
			}
			a, err := agent.New(cfg, version, log)
			if err != nil {
				return err
			}
			return a.Run(cmd.Context())
		},
	}
}
