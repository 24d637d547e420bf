package control

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// A Crowd bounds the connections of an HTTP server. When there are as many as
// may be, the one that has asked nothing for longest makes room for a new one:
// whoever connects and says nothing keeps nobody out.
type Crowd struct {
	most    int
	dropped atomic.Uint64

	mu     sync.Mutex
	silent []net.Conn // those that have asked nothing yet, oldest first
	asking map[net.Conn]struct{}
}

// NewCrowd returns a crowd of so many at most.
func NewCrowd(most int) *Crowd {
	return &Crowd{most: most, asking: make(map[net.Conn]struct{})}
}

// Dropped returns how many connections had to make room, or found none.
func (c *Crowd) Dropped() uint64 { return c.dropped.Load() }

// Changed is told of each connection's state (http.Server.ConnState).
func (c *Crowd) Changed(conn net.Conn, to http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(conn)
	switch to {
	case http.StateNew:
		if len(c.silent)+len(c.asking) < c.most || c.makeRoom() {
			c.silent = append(c.silent, conn)
			return
		}
		c.drop(conn)
	case http.StateActive:
		c.asking[conn] = struct{}{}
	}
}

// makeRoom closes the oldest silent connection; false if all are being
// answered.
func (c *Crowd) makeRoom() bool {
	if len(c.silent) == 0 {
		return false
	}
	c.drop(c.silent[0])
	c.silent = slices.Delete(c.silent, 0, 1)
	return true
}

func (c *Crowd) drop(conn net.Conn) {
	conn.Close()
	c.dropped.Add(1)
}

func (c *Crowd) remove(conn net.Conn) {
	delete(c.asking, conn)
	if i := slices.Index(c.silent, conn); i >= 0 {
		c.silent = slices.Delete(c.silent, i, i+1)
	}
}
