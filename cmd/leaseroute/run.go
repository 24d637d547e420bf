package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"leaseroute/agent"
	"leaseroute/config"
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
			a.OnReload(
				func() (*config.Config, error) { return g.load(cmd) },
				func(c config.Log) { follow(log, c) },
			)
			stop := reloadOnHangup(cmd.Context(), a)
			defer stop()
			return a.Run(cmd.Context())
		},
	}
}

// reloadOnHangup has the daemon reload at each SIGHUP. The returned function
// ends that, and waits for it.
func reloadOnHangup(ctx context.Context, a *agent.Agent) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	var g errgroup.Group
	g.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-hangups:
				_, _ = a.Reload(ctx) // the daemon's log says what came of it
			}
		}
	})
	return func() {
		signal.Stop(hangups)
		cancel()
		_ = g.Wait()
	}
}
