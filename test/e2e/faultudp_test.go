//go:build linux

package e2e

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"testing"

	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// A datagramFault is what a server does wrong over UDP, and what becomes of a
// question about one lease.
type datagramFault struct {
	name   string   // with the rule
	knobs  []string // as on the command line
	config []string // more lines of the configuration

	client    bool   // asked by client-id, without a daemon
	questions int    // that it takes until the fault strikes; 0: one
	elsewhere string // from where the answers come

	lost     bool   // the lease is not found
	error    string // what the operator reads
	code     int    // how the command ends
	counters map[string]uint64
	sent     uint64 // how many questions the server gets; 0: as many as were asked
}

// once has a fault strike the first transmission of a question only: what is
// sent again is answered well.
const once = "udp-strikes=1"

// datagramFaults are about answers over UDP. All but the first leave bulk
// leasequery alone.
func datagramFaults() []datagramFault {
	const otherAddress = "[2001:db8:0:1::3]:547"
	again := map[string]uint64{"retransmissions": 1}
	also := func(counter string) map[string]uint64 {
		return map[string]uint64{"retransmissions": 1, counter: 1}
	}
	return []datagramFault{
		{name: "R31 a fault of TCP alone", knobs: []string{"over=tcp", "udp-dead"}},
		{name: "R20 the first transmission is lost", knobs: []string{"udp-lose-first=1"}, counters: again},
		{name: "R20 the first two are lost", knobs: []string{"udp-dead", "udp-strikes=2"}, counters: map[string]uint64{"retransmissions": 2}},
		{name: "R20 each second query is lost", knobs: []string{"udp-lose-every=2"}, questions: 2, counters: again},
		{
			name: "R21 R24 a server that is dead", knobs: []string{"udp-dead"}, lost: true, error: "no answer from .* to 5 transmissions", code: 1,
			counters: map[string]uint64{"retransmissions": 4, "unanswered": 1},
		},
		{name: "R20 R31 a server that comes and goes", knobs: []string{"udp-flap=5s"}, counters: again},
		{name: "R29 R31 an answer that is late, and its copy", knobs: []string{"udp-delay=1500ms"}, counters: also("udp_unasked")},
		{name: "R29 an answer in three copies", knobs: []string{"udp-copies=3"}, counters: map[string]uint64{"observations_lookup": 1}},
		{name: "R17 an answer from another port", knobs: []string{"udp-elsewhere"}, elsewhere: fmt.Sprintf("[%s]:5547", lab.ServerAddress)},
		{name: "R17 R31 an answer from another address", knobs: []string{"udp-elsewhere", once}, elsewhere: otherAddress, counters: also("udp_strangers")},
		{name: "R16 an answer to port 546", knobs: []string{"udp-client-port"}},
		{
			name: "R16 an answer to port 546, while we ask from another", knobs: []string{"udp-client-port", once},
			config: []string{"on_demand: { local_port: 5460 }"}, counters: again,
		},
		{name: "R33 R31 half an answer", knobs: []string{"udp-instead=truncated", once}, counters: also("malformed_messages")},
		{name: "R33 R31 options that are noise", knobs: []string{"udp-instead=noise", once}, counters: also("malformed_messages")},
		{name: "R29 R31 noise", knobs: []string{"udp-instead=garbage", once}, counters: also("udp_unasked")},
		{name: "R18 R31 our own query", knobs: []string{"udp-instead=query", once}, counters: also("queries_received")},
		{name: "R32 an answer of 65,000 octets", knobs: []string{"udp-instead=huge"}},
		{name: "R27 R31 no server-id", knobs: []string{"over=udp", "server-id=missing", once}, counters: also("no_server_id")},
		{name: "R28 R31 another client-id", knobs: []string{"over=udp", "client-id=wrong", once}, counters: also("wrong_client_id")},
		{name: "R29 R31 the answer to another query", knobs: []string{"over=udp", "wrong-id=reply", once}, counters: also("udp_unasked")},
		{
			name: "R44 an error status", knobs: []string{"over=udp", "status=address:UnspecFail"}, lost: true, error: "UnspecFail",
			counters: map[string]uint64{"unspec_fail": 1},
		},

		{name: "R40 the client's link instead of its leases", knobs: []string{"udp-links=1"}, client: true, sent: 2},
		{
			name: "R40 links that the server does not know", knobs: []string{"udp-links=3"}, client: true, sent: 3,
			error: "incomplete.*link 2001:db8:ffff:1::.*NotConfigured", code: 1, counters: map[string]uint64{"not_configured": 1},
		},
		{
			name: "R40 links that are none, and each one twice", client: true, sent: 2,
			knobs: []string{"udp-links=1", "udp-odd-links=unspecified", "udp-odd-links=repeated"},
		},
		{
			name: "R41 leases beside the links", knobs: []string{"udp-links=1", "udp-link-data"}, client: true, sent: 2,
			counters: map[string]uint64{"contradictory_replies": 1},
		},
		{
			name: "R40 C38 links in answer to a link", knobs: []string{"udp-links=1", "udp-link-again"}, client: true, sent: 2,
			lost: true, error: "names client links", code: 1, counters: map[string]uint64{"client_link_loops": 1},
		},
		{
			name: "R40 C38 links in answer to an address", knobs: []string{"udp-links=1", "udp-link-again"}, sent: 2,
			lost: true, error: "names client links", code: 1, counters: map[string]uint64{"client_link_loops": 1},
		},
	}
}

// TestDatagramFaults asks a server with each fault, and again when it is well.
func TestDatagramFaults(t *testing.T) {
	for _, f := range datagramFaults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.run(t)
		})
	}
}

func (f datagramFault) run(t *testing.T) {
	s := newSite(t, config(append([]string{dhcp1()}, f.config...)...))
	lease := s.lease(1, "2001:db8:8000:100::/56", 0)
	lease.Withheld = true
	server := f.serve(t, s, lease)
	s.Start(t)
	s.settled(t)
	s.until(t, func() error { // the port opens beside the recovery
		if got := s.Status(t).Servers[0].Lookup; got != "ready" {
			return fmt.Errorf("the server is %s", got)
		}
		return nil
	})
	before := s.resources(t)
	server.SetFaults(knobsOf(t, f.knobs))
	f.suffer(t, s, server, lease)
	server.SetFaults(lqserver.Faults{})
	if out, code := f.ask(t, s, lease); code != 0 {
		t.Errorf("when the server is well: exit %d: %s", code, out)
	}
	if !f.client {
		s.holds(t, s.fibOf(lease))
	}
	s.calm(t, before)
	s.Stop(t)
}

// serve runs the server, over TCP and UDP, which is well for the time being.
func (f datagramFault) serve(t *testing.T, s *site, lease lqserver.Binding) *lqserver.Server {
	t.Helper()
	var o lqserver.Options
	var err error
	o.Packets, err = s.Server.ListenPacket("udp", fmt.Sprintf("[%s]:547", lab.ServerAddress))
	must(t, err)
	if f.elsewhere != "" {
		from := netip.MustParseAddrPort(f.elsewhere)
		must(t, s.Server.IP(s.ctx, fmt.Sprintf("address replace %s/64 dev core0 nodad", from.Addr())))
		o.Elsewhere, err = s.Server.ListenPacket("udp", f.elsewhere)
		must(t, err)
	}
	server, _ := s.serve(t, 547, s.list(lease), o)
	return server
}

// suffer asks while there is the fault.
func (f datagramFault) suffer(t *testing.T, s *site, server *lqserver.Server, lease lqserver.Binding) {
	t.Helper()
	questions := max(f.questions, 1)
	var out string
	var code int
	for range questions {
		out, code = f.ask(t, s, lease)
	}
	if code != f.code {
		t.Errorf("exit %d, want %d: %s", code, f.code, out)
	}
	if !regexp.MustCompile(f.error).MatchString(out) {
		t.Errorf("the error is not %q:\n%s", f.error, out)
	}
	if found := regexp.MustCompile(`(?m)\b` + lease.Prefix.String() + `\b`).MatchString(out); found == f.lost {
		t.Errorf("the lease is found: %t, want %t:\n%s", found, !f.lost, out)
	}
	want := f.sent
	if want == 0 {
		want = uint64(questions)
	}
	if got := server.Stats().UDP.Transactions; got != want {
		t.Errorf("the server got %d questions, want %d", got, want)
	}
	for name, n := range f.counters {
		if !f.client {
			s.counted(t, name, n)
		} else if got := printed(out, name); got != n {
			t.Errorf("%s is %d, want %d:\n%s", name, got, n, out)
		}
	}
	if f.lost || f.client {
		s.holds(t, fib{})
		return
	}
	s.holds(t, s.fibOf(lease))
}

// ask asks about the lease, and returns what an operator sees.
func (f datagramFault) ask(t *testing.T, s *site, lease lqserver.Binding) (string, int) {
	t.Helper()
	args := []string{"lookup", lease.Prefix.Addr().Next().String()}
	if f.client {
		args = []string{"query", "--server", lab.ServerAddress.String(), "--udp", "--client-id", fmt.Sprintf("%x", lease.Client)}
	}
	stdout, stderr, code := s.Run(t, args...)
	return stdout + stderr, code
}

// printed is a counter as query prints it; 0 if it doesn't.
func printed(out, name string) uint64 {
	m := regexp.MustCompile(`(?m)^(\d+) +` + name + ` `).FindStringSubmatch(out)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseUint(m[1], 10, 64) // it is one
	return n
}
