//go:build linux

package ondemand

import (
	"errors"
	"net/netip"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// TestNeverAsked (R9 C120) sends what is no subscriber's business, and then
// something that is: the server hears of that alone.
func TestNeverAsked(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	const own = "2001:db8:8000:ff01::1"
	must(t, s.Router.IP(s.ctx, "address add "+own+"/64 dev acc0 nodad", "address add 2001:db8:8000:fd01::1/128 dev lo nodad"))
	dhcp := s.serve(t, 547, s.list(), lqserver.Options{})
	lines := map[string]*line{"acc0": s.line(t, "acc0"), "acc1": s.line(t, "acc1"), "core0": s.line(t, "core0")}
	s.armed(t)
	server := lab.ServerAddress.String()
	tests := []struct {
		name, dev    string
		source, dest []string
	}{
		{
			"R9 sources that are no host's", "acc0",
			[]string{"fe80::5", "::", "::1", "ff02::1", "ff0e::1"}, []string{server, lab.RouterAddress.String()},
		},
		{
			"R9 C120 sources outside the blocks", "acc0",
			[]string{"2001:db8:9::5", "3fff::1", "2001:db8:1::5", "2001:db8:7fff:ffff::1"}, []string{server, lab.RouterAddress.String()},
		},
		{
			"R9 the router's own addresses", "acc1",
			[]string{lab.RouterAddress.String(), own, "2001:db8:8000:fd01::1", "2001:db8:1::1"}, []string{server},
		},
		{
			"R9 sources on the core side", "core0",
			[]string{address(1).String(), "2001:db8:8000:ff01::77"}, []string{lab.RouterAddress.String(), own},
		},
		{
			"R9 C120 destinations that are none", "core0",
			[]string{server}, []string{"fe80::5", "ff02::1", "ff0e::5", "2001:db8:9::5", "2001:db8:1::5", "::1", own},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := s.Status(t).Counters["on_demand_lookups"]
			l := lines[tt.dev]
			for _, source := range tt.source {
				for _, dest := range tt.dest {
					must(t, l.Send(l.frame(mac(1), netip.MustParseAddr(source), netip.MustParseAddr(dest), "")))
				}
			}
			s.marked(t, l, tt.dev)
			st := s.landed(t)
			if n := st.Counters["on_demand_lookups"] - before; n != 1 {
				t.Errorf("there were %d lookups, want that of the mark alone; %s", n, brief(st))
			}
		})
	}
	t.Run("R9 nor on an operator's word", func(t *testing.T) {
		for _, a := range []string{"2001:db8:9::5", "fe80::5", "ff02::1", "::"} {
			if stdout, stderr, code := s.Run(t, "lookup", a); code == 0 || stdout != "" {
				t.Errorf("lookup %s: exit %d, %q, %q", a, code, stdout, stderr)
			}
		}
	})
	if n := dhcp.Stats().UDP.Transactions; n != uint64(len(tests)) {
		t.Errorf("the server was asked %d times, want %d", n, len(tests))
	}
	s.exactly(t, map[string]uint64{"on_demand_detector_reports_refused": 0, "on_demand_outside": 0})
	s.Stop(t)
}

var errUnmarked = errors.New("the mark was not asked about")

// marked sends something that is asked about, and waits until it was: whatever
// was sent by the line before has met its fate then.
func (s *site) marked(t *testing.T, l *line, dev string) {
	t.Helper()
	s.marks++
	mark, lookups := address(0x4000+s.marks), s.Status(t).Counters["on_demand_denied"]
	source, dest := mark, lab.ServerAddress
	if dev == "core0" {
		source, dest = dest, source
	}
	must(t, l.Send(l.frame(mac(0x4000+s.marks), source, dest, "")))
	s.status(t, func(st control.Status) error {
		if st.Counters["on_demand_denied"] == lookups {
			return errUnmarked
		}
		return nil
	})
}
