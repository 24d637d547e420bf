package control

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// A crowd bounds the connections of a server. When there are as many as may
// be, the one that has asked nothing for longest makes room for a new one:
// whoever connects and says nothing keeps nobody out.
type crowd struct {
	most int

	mu     sync.Mutex
	silent []net.Conn // those that have asked nothing yet, oldest first
	asking map[net.Conn]struct{}
}

func newCrowd(most int) *crowd {
	return &crowd{most: most, asking: make(map[net.Conn]struct{})}
}

// Bound returns what bounds the connections of another server (its ConnState)
// as those of the control socket are.
func Bound(most int) func(net.Conn, http.ConnState) { return newCrowd(most).changed }

// changed is told of each connection's state (http.Server.ConnState).
func (c *crowd) changed(conn net.Conn, to http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(conn)
	switch to {
	case http.StateNew:
		if len(c.silent)+len(c.asking) < c.most || c.makeRoom() {
			c.silent = append(c.silent, conn)
			return
		}
		conn.Close()
	case http.StateActive:
		c.asking[conn] = struct{}{}
	}
}

// makeRoom closes the oldest silent connection; false if all are being
// answered.
func (c *crowd) makeRoom() bool {
	if len(c.silent) == 0 {
		return false
	}
	c.silent[0].Close()
	c.silent = slices.Delete(c.silent, 0, 1)
	return true
}

func (c *crowd) remove(conn net.Conn) {
	delete(c.asking, conn)
	if i := slices.Index(c.silent, conn); i >= 0 {
		c.silent = slices.Delete(c.silent, i, i+1)
	}
}
