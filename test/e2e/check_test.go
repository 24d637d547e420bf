//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"leaseroute/test/lab"
)

// TestCheck (C55): check prints a configuration as it is resolved on the
// router, with a warning of a data time-out below 300 s.
func TestCheck(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(
		dhcp1("queries: [link-address, remote-id]", "query_all: true", "data_timeout: 1s"),
		`remote_ids: ["32473:sub-1"]`))
	stdout, stderr, code := s.Run(t, "check")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, want := range []string{
		s.Path("leaseroute.yaml") + ": no faults",
		"warning: " + s.Path("leaseroute.yaml") + ": servers[0].data_timeout: is short",
		"relay-id     00:03:00:01:02:00:00:00:ee:ee",
		"access       acc0 acc1 (acc*)",
		"core         core0 (core0)",
		fmt.Sprintf("link         %s on acc0", s.Access[0].Address),
		fmt.Sprintf("link         %s on acc1", s.Access[1].Address),
		"remote-id    00:00:7e:d9:73:75:62:2d:31",
		fmt.Sprintf("server       dhcp1 at [%s]:547 from %s, asked by link-address, remote-id (all of them)", lab.ServerAddress, lab.RouterAddress),
		"allowed      2001:db8:8000::/33, lengths 48 to 64",
		"routes       table 254, protocol 158, metric 1024, fail-safe expiry lease end + 10m0s",
		"control      " + s.Path("control.sock"),
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("check does not say %q, but\n%s", want, stdout)
		}
	}
}
