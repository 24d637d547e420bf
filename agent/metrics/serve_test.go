package metrics

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
)

// lines hands on what is logged.
type lines chan string

func (l lines) Levels() []logrus.Level { return logrus.AllLevels }

func (l lines) Fire(e *logrus.Entry) error {
	l <- e.Level.String() + ": " + e.Message
	return nil
}

// serve runs a server at an address of the loopback, until the test is over.
func serve(t *testing.T, at netip.AddrPort) (*Server, lines) {
	t.Helper()
	logged := make(lines, 16)
	log, _ := logtest.NewNullLogger()
	log.AddHook(logged)
	s := NewServer(at, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }), logrus.NewEntry(log))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("run:", err)
		}
	})
	return s, logged
}

// taken is a listener of somebody else, and its address.
func taken(t *testing.T) (net.Listener, netip.AddrPort) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l, l.Addr().(*net.TCPAddr).AddrPort()
}

func TestServerWaitsForItsAddress(t *testing.T) {
	other, at := taken(t)
	s, logged := serve(t, at)
	if got := <-logged; got != "warning: no metrics for now; trying again" {
		t.Errorf("logged %q", got)
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
	other.Close()
	if got := <-logged; got != "info: metrics are served" {
		t.Errorf("logged %q, want one line about what is wrong, and one when it is over", got)
	}
	if err := s.Err(); err != nil {
		t.Errorf("error %v", err)
	}
	get(t, at)
}

func get(t *testing.T, at netip.AddrPort) {
	t.Helper()
	resp, err := http.Get("http://" + at.String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "hello" {
		t.Errorf("answer %q, %v", b, err)
	}
}

// Rule 10 of DESIGN.md 3: whoever says nothing, or too much, keeps nobody else
// out for ever.
func TestServerIsBounded(t *testing.T) {
	l, at := taken(t)
	l.Close()
	s, logged := serve(t, at)
	<-logged
	dial := func() net.Conn {
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil { // so that a failure ends
			t.Fatal(err)
		}
		return c
	}
	status := func(c net.Conn) string {
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil {
			t.Error("read the answer:", err)
		}
		return strings.TrimSpace(line)
	}

	large := dial()
	// The server may stop reading in the middle: its answer counts.
	_, _ = fmt.Fprintf(large, "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 64<<10))
	if got := status(large); !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("a huge header is answered by %q", got)
	}

	var silent []net.Conn
	for range maxConnections {
		silent = append(silent, dial())
	}
	get(t, at)
	if _, err := io.ReadAll(silent[0]); err != nil {
		t.Error("the oldest connection that says nothing did not make room:", err)
	}
	if s.Dropped() == 0 {
		t.Error("nobody counted that")
	}
}
