package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
)

// reloadWithin is how long a reload may take to be in effect.
const reloadWithin = time.Minute

func newReload(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Have the daemon read its configuration anew, and live by it",
		Long: `Have the daemon read its configuration anew, and live by it (SIGHUP does the
same). What has not changed is not touched, and no route goes that is still
wanted. A configuration with faults changes nothing.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			var r control.Reload
			if err := c.Post(cmd.Context(), "/v1/reload", nil, &r); err != nil {
				return err
			}
			if len(r.Changed) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing has changed")
				return nil
			}
			if err := inEffect(cmd, c, r.Before); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "reloaded; changed: %s\n", strings.Join(r.Changed, ", "))
			return nil
		},
	}
}

// inEffect waits until there have been more reloads than before. The daemon's
// control socket is away for a moment.
func inEffect(cmd *cobra.Command, c *control.Client, before uint64) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	last := time.NewTimer(reloadWithin)
	defer last.Stop()
	for {
		var s control.Status
		err := c.Get(cmd.Context(), "/v1/status", nil, &s)
		if err == nil && s.Reloads > before {
			return nil
		}
		select {
		case <-tick.C:
		case <-last.C:
			return errors.Join(fmt.Errorf("the new configuration is not in effect after %s: see the daemon's log", reloadWithin), err)
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		}
	}
}
