//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"leaseroute/test/daemon"
	"leaseroute/test/lqserver"
)

// TestControlSocketIsBounded has a thousand connect that ask nothing or only
// begin to, and others ask what makes no sense: it is no matter to the rest.
func TestControlSocketIsBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	s.serve(t, 547, s.list(s.lease(1, "2001:db8:8000:100::/56", 0)), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	before := s.resources(t)
	const many = 1000
	for i := range many { // one half says nothing, the other begins a question
		c := s.dial(t)
		if i%2 == 1 {
			_, _ = io.WriteString(c, "GET /v1/status HTTP/1.1\r\nHost: ") // it may have had to make room
		}
	}
	if stdout, stderr, code := s.Run(t, "status"); code != 0 || !strings.Contains(stdout, "state     recovered") {
		t.Errorf("status beside %d connections: exit %d, %q, %q", many, code, stdout, stderr)
	}
	if now := s.resources(t); len(now.files) > len(before.files)+300 {
		t.Errorf("%d files are open", len(now.files))
	}
	for what, tt := range map[string]struct {
		request string
		code    int
	}{
		"a body that never comes":  {"POST /v1/resync HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", http.StatusRequestEntityTooLarge},
		"a body without an end":    {"POST /v1/resync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000000\r\n", http.StatusRequestEntityTooLarge},
		"a path that is not there": {"GET /v2/status HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusNotFound},
		"a method that is wrong":   {"DELETE /v1/bindings HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusNotFound},
		"no HTTP":                  {"hello\r\n\r\n", http.StatusBadRequest},
		"endless headers":          {"GET /v1/status HTTP/1.1\r\nX: " + strings.Repeat("x", 32<<10), http.StatusRequestHeaderFieldsTooLarge},
	} {
		c := s.dial(t)
		_, err := io.WriteString(c, tt.request)
		must(t, err)
		answer, _ := io.ReadAll(c) // to its end: the daemon hangs up, maybe before it has read all
		if want := fmt.Sprintf("HTTP/1.1 %d ", tt.code); !bytes.HasPrefix(answer, []byte(want)) {
			t.Errorf("%s: the answer is %q, want %s", what, answer, want)
		}
	}
	s.Stop(t)
}

// TestUnreadLists has more ask for lists than are sent at a time, and read
// none: nobody else waits.
func TestUnreadLists(t *testing.T) {
	t.Parallel()
	const most = 16
	s := newSite(t, config(dhcp1()))
	s.serve(t, 547, s.generate(t, 5000, nil), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	for i := range most + 4 {
		c := s.dial(t)
		_, err := io.WriteString(c, "GET /v1/bindings HTTP/1.1\r\nHost: x\r\n\r\n")
		must(t, err)
		want := "HTTP/1.1 200 OK\r\n"
		if i >= most {
			want = "HTTP/1.1 503 Service Unavailable\r\n"
		}
		if line, err := bufio.NewReaderSize(c, 64).ReadString('\n'); line != want {
			t.Errorf("list %d is answered by %q (%v), want %q", i, line, err, want)
		}
	}
	if _, stderr, code := s.Run(t, "show", "bindings"); code != 1 || !strings.Contains(stderr, "16 lists are being sent already: try again") {
		t.Errorf("one more: exit %d, %q", code, stderr)
	}
	s.settled(t)
	s.resync(t)
	s.Stop(t)
}

// dial connects to the control socket until the test is over.
func (s *site) dial(t *testing.T) net.Conn {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(s.ctx, "unix", s.Path("control.sock"))
	must(t, err)
	t.Cleanup(func() { c.Close() })
	deadline, _ := s.ctx.Deadline()
	must(t, c.SetDeadline(deadline))
	return c
}

// TestControlGroup lets a group use the socket, and nobody else.
func TestControlGroup(t *testing.T) {
	t.Parallel()
	const member, stranger = 65534, 65533
	s := newSite(t, "")
	for _, path := range []string{s.Dir, filepath.Dir(daemon.Binary(t))} {
		must(t, os.Chmod(path, 0o755))
	}
	must(t, os.WriteFile(s.Path("leaseroute.yaml"),
		fmt.Appendf(nil, "%s\nstate_dir: %s\ncontrol: { socket: %s, group: %d }\n", config(dhcp1()), s.Path("state"), s.Path("control.sock"), member), 0o644))
	must(t, os.Chmod(s.Path("leaseroute.yaml"), 0o644))
	s.serve(t, 547, s.list(), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	as := func(id uint32) (string, int) {
		cmd := exec.CommandContext(s.ctx, daemon.Binary(t), "status", "-c", s.Path("leaseroute.yaml"))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
		out, _ := cmd.CombinedOutput() // the exit code says it
		return string(out), cmd.ProcessState.ExitCode()
	}
	if said, code := as(member); code != 0 {
		t.Errorf("a member of the group: exit %d, %s", code, said)
	}
	if said, code := as(stranger); code != 1 || !strings.Contains(said, "be root or a member of its group, see control.group") {
		t.Errorf("somebody else: exit %d, %s", code, said)
	}
	s.Stop(t)

	must(t, os.WriteFile(s.Path("leaseroute.yaml"), []byte(config(dhcp1(), "control: { socket: "+s.Path("control.sock")+", group: nosuch }")), 0o644))
	if _, said, code := s.Run(t, "run", "--state-dir", s.Path("state")); code != 1 || !strings.Contains(said, "control.group: group: unknown group nosuch: make it with 'groupadd --system nosuch'") {
		t.Errorf("a group that is not there: exit %d, %s", code, said)
	}
}

// TestFullDisk prints to where nothing can be written.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	s.serve(t, 547, s.list(s.lease(1, "2001:db8:8000:100::/56", 0)), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	for _, command := range []string{
		"status", "status --json", "show bindings", "show bindings --json", "show routes", "show servers --json",
		"explain 2001:db8:8000:100::/56", "explain 2001:db8:8000:100::/56 --json", "check", "version", "simulate --list-faults",
		"completion bash", "--help",
	} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		must(t, err)
		var said strings.Builder
		cmd := s.Router.Command(s.ctx, daemon.Binary(t), append([]string{"-c", s.Path("leaseroute.yaml")}, strings.Fields(command)...)...)
		cmd.Stdout, cmd.Stderr = full, &said
		_ = cmd.Run() // the exit code says it
		full.Close()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(said.String(), "no space left on device") {
			t.Errorf("%s > /dev/full: exit %d, %q", command, code, said.String())
		}
	}
	s.Stop(t)
}
