//go:build linux

package lab_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
)

func TestGateStopsAnAnswerInMidStream(t *testing.T) {
	t.Parallel()
	_, n := namespace(t)
	server, err := n.Listen("tcp", "[::1]:547")
	must(t, err)
	defer server.Close()
	answer := bytes.Repeat([]byte("0123456789"), 10_000)
	go func() { // answers whatever it is asked
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.ReadFull(conn, make([]byte, 3))
				conn.Write(answer)
			}()
		}
	}()
	g, err := n.NewGate("[::1]:1547", "[::1]:547")
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	ask := func() net.Conn {
		conn, err := n.DialContext(t.Context(), "tcp", "[::1]:1547")
		must(t, err)
		_, err = conn.Write([]byte("ask"))
		must(t, err)
		return conn
	}

	stuck := g.StopAfter(1234)
	conn := ask()
	<-stuck
	g.Cut()
	got, _ := io.ReadAll(conn)
	if !bytes.Equal(got, answer[:1234]) {
		t.Errorf("%d octets came through a gate that was cut after 1234", len(got))
	}

	stuck = g.StopAfter(50_000)
	conn = ask()
	<-stuck
	g.Open()
	got, err = io.ReadAll(conn)
	must(t, err)
	if !bytes.Equal(got, answer) {
		t.Errorf("%d octets came through a gate that was opened again, want %d", len(got), len(answer))
	}
	if got, want := g.Passed(), 1234+len(answer); got != want {
		t.Errorf("Passed = %d, want %d", got, want)
	}
	cancel()
	must(t, <-ended)
}
