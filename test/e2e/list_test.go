//go:build linux

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lqserver"
)

// TestFilters has lists leave out what is not asked for.
func TestFilters(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), serverLine("dhcp2", otherPort)))
	s.serve(t, 547, s.list(
		s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 1), s.lease(3, "2001:db8:7000:300::/56", 1),
	), lqserver.Options{})
	s.serve(t, otherPort, s.list(s.lease(4, "2001:db8:9000:400::/56", 0)), lqserver.Options{DUID: otherDUID})
	s.Start(t)
	s.settled(t)
	for _, tt := range []struct {
		args string
		want string // the third group of each prefix that is shown
	}{
		{"bindings", "7000 8000 8000 9000"},
		{"bindings --interface acc0", "8000 9000"},
		{"bindings --interface acc0 --interface acc1", "7000 8000 8000 9000"},
		{"bindings --server dhcp2", "9000"},
		{"bindings --state refused", "7000"},
		{"bindings --state refused,installed", "7000 8000 8000 9000"},
		{"bindings --client " + duidOf(2), "8000"},
		{"bindings --client 0x" + strings.ReplaceAll(duidOf(2), ":", ""), "8000"},
		{"bindings --within 2001:db8:8000::/40", "8000 8000"},
		{"bindings --within 2001:db8:8000:280::/57", ""},
		{"bindings --within 2001:db8:8000::/40 --interface acc1", "8000"},
		{"bindings --within 2001:db8:8000::/40 --server dhcp2", ""},
		{"routes --interface acc1", "8000"},
		{"routes --state refused", ""},
	} {
		var shown []control.Route // a binding has more, and what counts here
		if strings.HasPrefix(tt.args, "bindings") {
			var all []control.Binding
			s.json(t, &all, append([]string{"show"}, strings.Fields(tt.args)...)...)
			for _, b := range all {
				shown = append(shown, control.Route{Prefix: b.Prefix})
			}
		} else {
			s.json(t, &shown, append([]string{"show"}, strings.Fields(tt.args)...)...)
		}
		var got []string
		for _, v := range shown {
			got = append(got, strings.Split(v.Prefix, ":")[2])
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("show %s shows %v, want %s", tt.args, got, tt.want)
		}
	}
	for args, want := range map[string]string{
		"bindings --state lost":       `state "lost": no such state, choose installed, `,
		"bindings --server dhcp3":     `server "dhcp3": no such name, choose dhcp1, dhcp2`,
		"bindings --interface eth7":   `interface "eth7": neither an access nor a core interface`,
		"bindings --client cpe1":      `client "cpe1": want a DUID in hex`,
		"routes --within 2001:db8::1": `within "2001:db8::1": want a prefix`,
		"queries --within everywhere": `within "everywhere": want a prefix`,
		"queries --kind answer":       `kind "answer": choose round, lookup, negative or suspect`,
	} {
		if stdout, stderr, code := s.Run(t, append([]string{"show"}, strings.Fields(args)...)...); code != 2 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("show %s: exit %d, %q, %q; want 2 and %q", args, code, stdout, stderr, want)
		}
	}
	if stdout, _, _ := s.Run(t, "show", "servers", "--server", "dhcp2", "--state", "complete"); strings.Contains(stdout, "dhcp1") || !strings.Contains(stdout, "dhcp2") {
		t.Errorf("show servers --server dhcp2 prints\n%s", stdout)
	}
	for shell, flags := range map[string]string{
		"show bindings --interface": "acc0 acc1 core0", "show routes --server": "dhcp1 dhcp2", "clear --interface": "acc0 acc1 core0",
		"resync --interface": "acc0 acc1 core0", "show queries --kind": "lookup negative round suspect", "log level": "debug error info trace warn",
	} {
		stdout, _, _ := s.Run(t, append(append([]string{"__complete"}, strings.Fields(shell)...), "")...)
		words := slices.DeleteFunc(strings.Fields(stdout), func(w string) bool { return strings.HasPrefix(w, ":") })
		slices.Sort(words)
		if strings.Join(words, " ") != flags {
			t.Errorf("%s is completed by %v, want %s", shell, words, flags)
		}
	}
	s.Stop(t)
}

// TestColumns streams more rows than are looked at for their widths.
func TestColumns(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	s.serve(t, 547, s.generate(t, 5000, nil), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	stdout, _, _ := s.Run(t, "show", "bindings")
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	if len(lines) != 5001 {
		t.Fatalf("%d lines, want 5001", len(lines))
	}
	at := strings.Index(lines[0], "INTERFACE")
	for i, l := range lines[1:] {
		if !strings.HasPrefix(l[at:], "acc") {
			t.Fatalf("row %d: the column INTERFACE is not below its heading:\n%s\n%s", i, lines[0], l)
		}
	}
	var all []control.Binding
	s.json(t, &all, "show", "bindings")
	if len(all) != 5000 || !slices.IsSortedFunc(all, func(a, b control.Binding) int { return strings.Compare(canonical(a.Prefix), canonical(b.Prefix)) }) {
		t.Errorf("%d bindings, or not sorted", len(all))
	}
	s.Stop(t)
}

// canonical writes out the fourth group of a prefix, so that text sorts as
// addresses do.
func canonical(prefix string) string {
	groups := strings.Split(prefix, ":")
	return fmt.Sprintf("%4s:%4s", groups[2], groups[3])
}

// TestColours has a terminal get colours, and nobody else.
func TestColours(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	s.serve(t, 547, s.list(s.lease(1, "2001:db8:8000:100::/56", 0)), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	const green = "\x1b[32minstalled\x1b"
	command := fmt.Sprintf("%s -c %s show bindings", daemon.Binary(t), s.Path("leaseroute.yaml"))
	onTerminal := func(env ...string) string {
		cmd := s.Router.Command(s.ctx, "script", "-qec", command, "/dev/null")
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.Output()
		must(t, err)
		return string(out)
	}
	if said := onTerminal("TERM=xterm", "NO_COLOR="); !strings.Contains(said, green) {
		t.Errorf("on a terminal: %q, want %q in it", said, green)
	}
	if said := onTerminal("TERM=xterm", "NO_COLOR=1"); strings.Contains(said, "\x1b[") {
		t.Errorf("with NO_COLOR: %q", said)
	}
	if said, _, _ := s.Run(t, "show", "bindings"); strings.Contains(said, "\x1b") {
		t.Errorf("to a pipe: %q", said)
	}
	s.Stop(t)
}

// TestShowQueries lists what is asked, was asked, and is not asked for a while.
func TestShowQueries(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	packets, err := s.Server.ListenPacket("udp", "[::]:547")
	must(t, err)
	s.serve(t, 547, s.list(s.lease(1, "2001:db8:8000:100::/56", 0)), lqserver.Options{Packets: packets})
	s.Start(t)
	s.settled(t)
	s.Run(t, "lookup", "2001:db8:8000:9900::1")
	var all []control.Query
	s.until(t, func() error {
		s.json(t, &all, "show", "queries")
		if len(all) < 3 {
			return fmt.Errorf("want a round, a lookup and a negative, not %+v", all)
		}
		return nil
	})
	if all[0].Kind != "round" || all[0].State != "complete" || all[0].Server != "dhcp1" || all[0].Since == nil {
		t.Errorf("the round: %+v", all[0])
	}
	if all[1].Kind != "lookup" || all[1].State != "denied" || all[1].Asked != "2001:db8:8000:9900::1" || all[1].Until == nil {
		t.Errorf("the lookup: %+v", all[1])
	}
	if all[2].Kind != "negative" || all[2].State != "held off" || all[2].Until == nil || !all[2].Until.After(time.Now()) {
		t.Errorf("the negative: %+v", all[2])
	}
	var some []control.Query
	for args, want := range map[string]int{
		"--kind negative": 1, "--kind lookup,negative": 2, "--state denied": 1, "--server dhcp1": 1,
		"--within 2001:db8:8000:9900::/56": 2, "--within 2001:db8:8000:100::/56": 0,
	} {
		s.json(t, &some, append([]string{"show", "queries"}, strings.Fields(args)...)...)
		if len(some) != want {
			t.Errorf("show queries %s: %+v, want %d", args, some, want)
		}
	}
	stdout, _, _ := s.Run(t, "show", "queries")
	for _, want := range []string{"KIND ", "round     complete  -", "lookup    denied    2001:db8:8000:9900::1", "negative  held off ", "in "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("show queries does not say %q, but\n%s", want, stdout)
		}
	}
	s.Stop(t)
}

// TestQueriesAboutSuspects shows what its server can't tell of.
func TestQueriesAboutSuspects(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	gone, stays := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 1)
	list := s.list(gone, stays)
	server, _ := s.serve(t, 547, list, lqserver.Options{})
	s.Start(t)
	s.settled(t)
	list.Remove(gone.Prefix)
	server.SetFaults(knobsOf(t, []string{"status=address:NotAllowed"}))
	s.resync(t)
	s.counted(t, "suspects_no_answer", 1)
	var all []control.Query
	s.json(t, &all, "show", "queries", "--kind", "suspect")
	if len(all) != 1 || all[0].Asked != gone.Prefix.String() || all[0].Server != "dhcp1" || all[0].State != "in doubt" ||
		all[0].ClientDUID != duidOf(1) || all[0].Interface != "acc0" || all[0].Reason != "not mentioned by a complete bulk run" {
		t.Errorf("show queries --kind suspect: %+v", all)
	}
	s.json(t, &all, "show", "queries", "--client", duidOf(2))
	if len(all) != 0 {
		t.Errorf("of a client that is not in doubt: %+v", all)
	}
	s.Stop(t)
}
