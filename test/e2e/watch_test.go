//go:build linux

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lqserver"
)

// A stream is the output of watch --json.
type stream struct{ background }

// watch follows the daemon, and returns once it is followed.
func (s *site) watch(t *testing.T) *stream {
	t.Helper()
	w := &stream{s.background(t, "watch", "--json")}
	w.next(t, `"event":"begin"`)
	return w
}

// next waits for an event whose line holds all of want, in that order. Lines
// before it are skipped.
func (w *stream) next(t *testing.T, want ...string) (n control.News) {
	t.Helper()
	for i, part := range want {
		want[i] = regexp.QuoteMeta(part)
	}
	m := w.line(t, regexp.MustCompile(`^\{"seq":\d+,.*`+strings.Join(want, ".*")+`.*\}$`))
	d := json.NewDecoder(strings.NewReader(m[0]))
	d.DisallowUnknownFields()
	must(t, d.Decode(&n))
	return n
}

// TestWatch follows bindings, routes, a server and the recovery.
func TestWatch(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1("connect_timeout: 1s")))
	s.Start(t)
	s.status(t, func(st control.Status) error {
		if st.Servers[0].State != "failed" {
			return fmt.Errorf("the server is %s, want failed", st.Servers[0].State)
		}
		return nil
	})
	w, servers := s.watch(t), s.watch(t) // a server's state is looked at now and then: there is no order
	words := s.background(t, "watch")
	words.line(t, regexp.MustCompile(`begin            recovering$`))
	lease := s.lease(1, "2001:db8:8000:100::/56", 0)
	list := s.list(lease)
	server, _ := s.serve(t, 547, list, lqserver.Options{})

	added := w.next(t, `"event":"binding-added"`, lease.Prefix.String())
	if b := added.Binding; b.Old != nil || b.New.ClientDUID != duidOf(1) || b.New.NextHop != "fe80::101" || b.New.Interface != "acc0" ||
		b.New.ValidUntil == nil || b.New.Source != "bulk" || b.New.Server != "dhcp1" || b.New.State != "pending" || b.Rule != "R70" {
		t.Errorf("added: %+v, %+v", b, b.New)
	}
	installed := w.next(t, `"event":"route-installed"`)
	if r := *installed.Route; r != (control.RouteNews{Prefix: lease.Prefix.String(), NextHop: "fe80::101", Interface: "acc0", Reason: "first word about this lease", Rule: "R70"}) {
		t.Errorf("installed: %+v", r)
	}
	w.next(t, `"event":"binding-changed"`, `"state":"pending"`, `"state":"installed"`)
	w.next(t, `"event":"recovery","recovery":{"old":"recovering","new":"recovered"}`)
	servers.next(t, `"server":{"name":"dhcp1","old":`, `"new":"complete"`)
	words.line(t, regexp.MustCompile(`binding-added    2001:db8:8000:100::/56 pending, client 00:03:00:01:02:00:00:00:01:01 via fe80::101 dev acc0 valid for 23h\S+ by dhcp1 \(bulk\): first word about this lease \[R70\]$`))
	words.line(t, regexp.MustCompile(`recovery         recovered, was recovering$`))

	// Another client, elsewhere.
	list.Set(heard(0, s.lease(2, "2001:db8:8000:100::/56", 1)))
	s.resync(t)
	changed := w.next(t, `"event":"binding-changed"`, duidOf(1), duidOf(2))
	if b := changed.Binding; b.Old.Interface != "acc0" || b.New.Interface != "acc1" || b.Rule != "R77" || b.Old.State != "installed" {
		t.Errorf("changed: %+v, from %+v to %+v", b, b.Old, b.New)
	}
	words.line(t, regexp.MustCompile(`binding-changed  .*client `+duidOf(2)+`.*; before: installed, client `+duidOf(1)+`, via fe80::101 dev acc0$`))

	// Somebody takes the route, and puts another in the way of a new one.
	must(t, s.Router.IP(t.Context(), "route del 2001:db8:8000:100::/56", "route add 2001:db8:8000:300::/56 via fe80::77 dev acc1 proto static"))
	repaired := w.next(t, `"event":"route-repaired"`)
	if repaired.Route.Prefix != lease.Prefix.String() || repaired.Route.Interface != "acc1" {
		t.Errorf("repaired: %+v", repaired.Route)
	}
	list.Set(s.lease(3, "2001:db8:8000:300::/56", 0))
	s.resync(t)
	w.next(t, `"event":"route-refused"`, "2001:db8:8000:300::/56", "someone else has a route of this prefix")

	// The end of it.
	list.Remove(lease.Prefix)
	s.resync(t)
	removed := w.next(t, `"event":"binding-removed"`)
	if b := removed.Binding; b.New != nil || b.Old == nil || b.Reason != "server says that nobody holds it" || b.Rule != "R42" {
		t.Errorf("removed: %+v", b)
	}
	w.next(t, `"event":"route-removed"`, lease.Prefix.String())
	if _, stderr, code := s.Run(t, "clear", "::/0", "--yes"); code != 0 {
		t.Fatal(stderr)
	}
	w.next(t, `"event":"binding-removed"`, "2001:db8:8000:300::/56", "cleared by the operator")
	server.SetFaults(lqserver.Faults{Refuse: true})
	if _, stderr, code := s.Run(t, "resync"); code != 0 {
		t.Fatal(stderr)
	}
	if n := servers.next(t, `"name":"dhcp1"`, `"new":"failed"`); n.Server.Error == "" {
		t.Errorf("failed: %+v", n.Server)
	}
	s.Stop(t)
	if err := w.process.Wait(s.ctx); err == nil || !strings.Contains(w.process.Output(), "the daemon has ended") {
		t.Errorf("after the daemon watch ends with %v and says %q", err, w.process.Output())
	}
}

// TestSlowWatcher has a watcher read nothing while thousands of things happen:
// nothing waits for it, and it is told how much it missed.
func TestSlowWatcher(t *testing.T) {
	t.Parallel()
	const many = 20_000
	s := newSite(t, config(dhcp1()))
	s.serve(t, 547, s.generate(t, many, nil), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	before := s.resources(t)
	c := s.dial(t)
	_, err := io.WriteString(c, "GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n")
	must(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	lines := json.NewDecoder(resp.Body)
	var n control.News
	must(t, lines.Decode(&n))
	if n.Event != "begin" || n.Recovery.New != "recovered" {
		t.Errorf("the first line: %+v", n)
	}
	if stdout, stderr, code := s.Run(t, "clear", "::/0", "--yes"); code != 0 || !strings.HasPrefix(stdout, fmt.Sprintf("cleared %d ", many)) {
		t.Fatalf("clear: exit %d, %q, %q", code, stdout, stderr)
	}
	s.status(t, func(st control.Status) error { // though the watcher does not read
		if st.Bindings != 0 || st.ChangesPending != 0 {
			return fmt.Errorf("not cleared yet")
		}
		return nil
	})
	told, missed := 0, uint64(0)
	for seq := n.Seq + 1; uint64(told)+missed < 2*many; seq++ { // each binding, and its route
		n = control.News{}
		must(t, lines.Decode(&n))
		if n.Seq != seq {
			t.Fatalf("line %d has the number %d", seq, n.Seq)
		}
		if n.Event == "missed" {
			missed += n.Missed
		} else {
			told++
		}
	}
	if missed == 0 || told == 0 {
		t.Errorf("%d events were told and %d missed", told, missed)
	}
	c.Close()
	s.calm(t, before)
	s.Stop(t)
}

// TestWatchersAreBounded has more watch than may.
func TestWatchersAreBounded(t *testing.T) {
	t.Parallel()
	const most = 16
	s := newSite(t, config(dhcp1()))
	s.serve(t, 547, s.list(), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	ask := func() *http.Response {
		c := s.dial(t)
		_, err := io.WriteString(c, "GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n")
		must(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		must(t, err)
		return resp
	}
	for range most {
		if resp := ask(); resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
	}
	if resp := ask(); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one more gets %s", resp.Status)
	}
	if _, stderr, code := s.Run(t, "watch"); code != 1 || !strings.Contains(stderr, "16 watch already") {
		t.Errorf("watch: exit %d, %q", code, stderr)
	}
	s.settled(t)
	s.Stop(t)
}
