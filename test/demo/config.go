//go:build linux

package demo

import (
	"fmt"

	"leaseroute/test/lab"
)

// configuration is all that the router needs: four required keys, its
// identity, and places for its files inside the lab.
func (s *stage) configuration() []byte {
	return fmt.Appendf(nil, `relay_id: %q
state_dir: %s
interfaces:
  access: ["acc*"]
  core: ["core0"]
servers:
  - name: dhcp1
    address: "[%s]:547"
    source: %q
delegation:
  allowed: [%q]
control:
  socket: %s
`, relayIDOf(s.dhcpd), s.Path("state"), lab.ServerAddress, lab.RouterAddress, lab.Delegated, s.Path("control.sock"))
}
