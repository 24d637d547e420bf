//go:build linux

package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// A Gate is a TCP forwarder in a namespace. It stands between a requestor and
// its server, and can stop an answer at an octet, so that something can be
// done in mid-stream. The server sees the gate's namespace as the client.
type Gate struct {
	space    *Namespace
	listener net.Listener
	target   string

	mu     sync.Mutex
	passed int           // octets of answers that have passed
	limit  int           // octets of answers that still may pass; below zero: all
	stuck  chan struct{} // closed when the limit is reached
	open   chan struct{} // closed when answers may pass again
	cut    func()        // breaks all connections
}

// NewGate opens a gate at an address of the namespace, for connections to
// target. It forwards once Run runs.
func (n *Namespace) NewGate(listen, target string) (*Gate, error) {
	listener, err := n.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("open a gate: %w", err)
	}
	return &Gate{space: n, listener: listener, target: target, limit: -1, cut: func() {}}, nil
}

// StopAfter lets that many more octets of answers pass, of all connections
// together. The channel is closed when they have.
func (g *Gate) StopAfter(octets int) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limit, g.stuck, g.open = octets, make(chan struct{}), make(chan struct{})
	return g.stuck
}

// Passed returns how many octets of answers have passed since the gate was
// made, of all connections together.
func (g *Gate) Passed() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.passed
}

// Open ends what StopAfter began.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit >= 0 {
		g.limit = -1
		close(g.open)
	}
}

// Cut breaks all connections, and opens the gate for new ones. What a server
// has sent and the gate has held back is lost.
func (g *Gate) Cut() {
	g.mu.Lock()
	cut := g.cut
	g.mu.Unlock()
	cut()
	g.Open()
}

// Run forwards until ctx ends.
func (g *Gate) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { g.listener.Close() })()
	var all errgroup.Group
	defer all.Wait()
	life := g.life(ctx)
	for {
		client, err := g.listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("gate to %s: %w", g.target, err)
		}
		all.Go(func() error { g.forward(life(), client); return nil })
	}
}

// life returns a function that gives each connection its context: it ends
// with ctx, or at the next Cut.
func (g *Gate) life(ctx context.Context) func() context.Context {
	var current context.Context
	return func() context.Context {
		g.mu.Lock()
		defer g.mu.Unlock()
		if current == nil || current.Err() != nil {
			current, g.cut = context.WithCancel(ctx)
		}
		return current
	}
}

// forward serves one connection until either side closes or ctx ends.
func (g *Gate) forward(ctx context.Context, client net.Conn) {
	defer client.Close()
	server, err := g.space.DialContext(ctx, "tcp", g.target)
	if err != nil {
		return // the client sees its connection closed
	}
	defer server.Close()
	ctx, end := context.WithCancel(ctx)
	defer context.AfterFunc(ctx, func() { client.Close(); server.Close() })()
	var both errgroup.Group
	both.Go(func() error { defer end(); _, err := io.Copy(server, client); return err })
	both.Go(func() error { defer end(); return g.answers(ctx, client, server) })
	_ = both.Wait() // how a connection ended is for its two ends to tell
}

// answers copies from the server to the client, as far as the gate lets them.
func (g *Gate) answers(ctx context.Context, client io.Writer, server net.Conn) error {
	acknowledge := quickAck(server)
	for buf := make([]byte, 16<<10); ; {
		acknowledge()
		size, readErr := server.Read(buf)
		for rest := buf[:size]; len(rest) > 0; {
			pass, open := g.pass(len(rest))
			if _, err := client.Write(rest[:pass]); err != nil {
				return err
			}
			if rest = rest[pass:]; open == nil {
				continue
			}
			select {
			case <-open:
			case <-ctx.Done():
			}
			if ctx.Err() != nil { // also if Cut did both
				return ctx.Err()
			}
		}
		if readErr != nil {
			return readErr
		}
	}
}

// quickAck returns a function that makes the kernel acknowledge the next
// segment from a server at once, so that a gate adds no delay of its own: Kea
// sends the end of an answer only when the rest of it is acknowledged.
func quickAck(server net.Conn) func() {
	raw, err := server.(syscall.Conn).SyscallConn()
	if err != nil {
		return func() {} // it is closed: reading will tell
	}
	set := func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }
	return func() { _ = raw.Control(set) }
}

// pass says how many of size octets may pass now; if the gate is then shut,
// the channel says when it opens.
func (g *Gate) pass(size int) (int, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit < 0 {
		g.passed += size
		return size, nil
	}
	size = min(size, g.limit)
	g.limit -= size
	g.passed += size
	if g.limit > 0 {
		return size, nil
	}
	select {
	case <-g.stuck:
	default:
		close(g.stuck)
	}
	return size, g.open
}
