package lqserver

import (
	"net"
	"sync"
	"testing"
)

// A pipeListener hands out the server's ends of pipes, which live in a
// synctest bubble as sockets can't.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// piped runs a server in a bubble and returns a connection to it.
func piped(t *testing.T, store Store, change func(*Options)) (*Server, net.Conn) {
	t.Helper()
	l := newPipeListener()
	o := Options{Listener: l, DUID: testDUID}
	if change != nil {
		change(&o)
	}
	s, err := New(o, store)
	must(t, err)
	run(t, s)
	ours, theirs := net.Pipe()
	l.conns <- theirs
	t.Cleanup(func() { ours.Close() })
	return s, ours
}
