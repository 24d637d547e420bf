package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"leaseroute/test/demo"
)

// maxSubscribers is how many prefixes of 56 bits the demonstration has.
const maxSubscribers = 1_000_000

func newDemo() *cobra.Command {
	o := demo.Options{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a router that loses power and gets its routes back, in network namespaces (root)",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Subscribers < 1 || o.Subscribers > maxSubscribers {
				return fmt.Errorf("%w: --subscribers %d: want 1 to %d", errUsage, o.Subscribers, maxSubscribers)
			}
			if o.DHCP != "simulated" && o.DHCP != "kea" {
				return fmt.Errorf("%w: --server %q: choose simulated or kea", errUsage, o.DHCP)
			}
			binary, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			o.Binary, o.Out = binary, cmd.OutOrStdout()
			return demo.Run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.DHCP, "server", "simulated", "the DHCP server: simulated, or kea (fetched from Debian's packages)")
	cmd.Flags().IntVar(&o.Subscribers, "subscribers", 10_000, "how many subscribers have a prefix")
	return cmd
}
