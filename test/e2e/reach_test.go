//go:build linux

package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lqserver"
)

// otherPort is where the second server of a site listens.
const otherPort = 548

// An outage is why the second of two servers can't be asked.
type outage struct {
	name    string
	entry   []string          // more of its entry in the configuration
	serve   *lqserver.Options // nil: nothing listens
	state   string            // of the server
	error   string            // what the operator reads
	counter string
	mend    func(*site, *testing.T) // nil: it is enough that a server is there as it should be
	patient bool                    // the next try is ten minutes away, unless somebody asks for it
}

// TestOutages has a second server that can't be asked. The first one's leases
// get their routes all the same, and the second one's once the cause is gone.
func TestOutages(t *testing.T) {
	for _, o := range outages() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			o.run(t)
		})
	}
}

func (o outage) run(t *testing.T) {
	s := newSite(t, config(dhcp1(), serverLine("dhcp2", otherPort, o.entry...)))
	mine, other := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 1)
	s.serve(t, 547, s.list(mine), lqserver.Options{})
	stop := func() {}
	if o.serve != nil {
		_, stop = s.serve(t, otherPort, s.list(other), *o.serve)
	}
	s.Start(t)
	s.holds(t, s.fibOf(mine))
	st := s.troubled(t, "dhcp2", o.state, o.error)
	if st.Counters[o.counter] == 0 || st.State != "recovering" {
		t.Errorf("counter %s is %d, state %s; want some, recovering", o.counter, st.Counters[o.counter], st.State)
	}
	stdout, _, code := s.Run(t, "show", "servers")
	if code != 0 || !strings.Contains(stdout, o.error) || !strings.Contains(stdout, o.counter) {
		t.Errorf("show servers (exit %d) does not say %q and %q:\n%s", code, o.error, o.counter, stdout)
	}
	stop()
	if o.mend != nil {
		o.mend(s, t)
	}
	s.serve(t, otherPort, s.list(other), lqserver.Options{DUID: otherDUID})
	if o.patient {
		s.resync(t)
	}
	s.settled(t)
	s.holds(t, s.fibOf(mine, other))
	s.Stop(t)
}

func outages() []outage {
	strangers := []netip.Prefix{netip.MustParsePrefix("2001:db8:0:99::/64")}
	return []outage{
		{
			name: "R46 C115 nothing listens there", state: "failed",
			error: "nothing listens there: the server is down", counter: "connect_failures",
		},
		{
			name: "R46 C115 no way to the server", entry: []string{fmt.Sprintf(`address: "[2001:db8:0:ff::1]:%d"`, otherPort)},
			state: "failed", error: "there is no way to the server (", counter: "connect_failures",
			mend: func(s *site, t *testing.T) {
				must(t, s.Server.IP(t.Context(), "address add 2001:db8:0:ff::1/128 dev lo nodad"))
				must(t, s.Router.IP(t.Context(), "route add 2001:db8:0:ff::/64 via 2001:db8:0:1::1"))
			},
		},
		{
			name: "R46 C115 a source address that is not there yet", entry: []string{`source: "2001:db8:0:1::7"`},
			state: "connecting", error: "the address is not on any interface yet", counter: "source_waits",
			mend: func(s *site, t *testing.T) {
				must(t, s.Router.IP(t.Context(), "address add 2001:db8:0:1::7/64 dev core0 nodad"))
			},
		},
		{
			name: "C115 a server that does not know our address", serve: &lqserver.Options{Allow: strangers},
			state: "failed", error: refusedText, counter: "refusals",
		},
		{
			name: "R44 C115 a server that says so", serve: &lqserver.Options{Allow: strangers, RefuseWithStatus: true},
			state: "failed", error: "server says NotAllowed", counter: "not_allowed",
			patient: true,
		},
		{
			name: "C115 another server than the configured one", entry: []string{`duid: "000300010200000000fe"`}, serve: &lqserver.Options{},
			state: "failed", error: "the server's DUID is 000300010200000000ff, but the configuration says 000300010200000000fe", counter: "wrong_server",
		},
	}
}

// troubled waits until a server is in a state, with an error.
func (s *site) troubled(t *testing.T, name, state, words string) control.Status {
	t.Helper()
	return s.status(t, func(st control.Status) error {
		for _, v := range st.Servers {
			if v.Name == name && v.State == state && strings.Contains(v.Error, words) {
				return nil
			}
		}
		return fmt.Errorf("%s is not %s for %q", name, state, words)
	})
}
