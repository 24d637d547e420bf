package control

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
)

// No handler is left when Serve returns: what it works on may be replaced then
// (a reload).
func TestServeOutlivesItsHandlers(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	entered, ended := make(chan struct{}), false
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		ended = true // the race detector sees it if Serve does not wait
	})
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, h, NewCrowd(MaxConnections)) }()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	cancel()
	if err := <-served; err != nil || !ended {
		t.Errorf("Serve returned %v, and the handler had ended: %t", err, ended)
	}
}
