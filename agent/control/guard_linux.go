package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// Guard makes sure that no other daemon looks after the routes of a table and
// protocol number in this network namespace, whatever its control socket is:
// two would take each other's routes for strays. It holds until the listener
// is closed, or the process ends. The error wraps ErrInUse.
//
// An abstract socket belongs to its namespace and is gone with its process,
// but anybody may make it: one of another user's does not count, and then
// there is no guard and a nil listener.
func Guard(table uint32, protocol uint8) (net.Listener, error) {
	name := fmt.Sprintf("@leaseroute-table-%d-protocol-%d", table, protocol)
	l, err := net.Listen("unix", name)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	c, err := net.Dial("unix", name)
	if err != nil {
		return nil, nil // nobody whom we could name
	}
	defer c.Close()
	if p := peerOf(c); p.uid == os.Geteuid() {
		return nil, fmt.Errorf("routes of protocol %d in table %d: %w as process %d: stop it first, or choose another routes.protocol", protocol, table, ErrInUse, p.pid)
	}
	return nil, nil
}
