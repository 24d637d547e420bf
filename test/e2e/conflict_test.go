//go:build linux

package e2e

import (
	"testing"
	"time"

	"leaseroute/test/lqserver"
)

// A conflict is a prefix that two servers have given to two clients.
type conflict struct {
	name          string
	first, second lqserver.Binding // of dhcp1 and dhcp2
	won           int              // which of the two, 1 or 2
	rule          string
}

// sides are the two leases, the winner first.
func (c conflict) sides() (won, lost lqserver.Binding) {
	if c.won == 1 {
		return c.first, c.second
	}
	return c.second, c.first
}

// TestServersDisagree has two servers of different names say who has a prefix.
func TestServersDisagree(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(
		dhcp1("sequence_number_option: 65001"),
		serverLine("dhcp2", otherPort, "sequence_number_option: 65001")))
	at := time.Now().Add(-time.Hour)
	ago := func(b lqserver.Binding, before time.Duration) lqserver.Binding {
		b.Last = at.Add(-before)
		return b
	}
	const p1, p2, p3, p4, p5 = "2001:db8:8000:100::/56", "2001:db8:8000:200::/56", "2001:db8:8000:300::/56", "2001:db8:8000:400::/56", "2001:db8:8000:500::/56"
	conflicts := []conflict{
		{
			name:  "R77 C91 the second server's client was heard later",
			first: ago(s.lease(1, p1, 0), time.Minute), second: ago(s.lease(2, p1, 1), 0), won: 2, rule: "R77",
		},
		{
			name:  "R77 C91 the first server's client was heard later",
			first: ago(s.lease(1, p2, 0), 0), second: ago(s.lease(2, p2, 1), time.Minute), won: 1, rule: "R77",
		},
		{
			name:  "R79 C93 both were heard at the same time",
			first: ago(s.lease(1, p3, 0), 0), second: ago(s.lease(2, p3, 1), 0), won: 1, rule: "R79",
		},
		{
			name:  "R77 C98 sequence numbers of two servers say nothing",
			first: number(1000, ago(s.lease(1, p4, 0), time.Minute)), second: number(5, ago(s.lease(2, p4, 1), 0)), won: 2, rule: "R77",
		},
		{
			name:  "R75 R79 a second is a tie",
			first: ago(s.lease(1, p5, 0), time.Second), second: ago(s.lease(2, p5, 1), 0), won: 1, rule: "R79",
		},
	}
	alone := []lqserver.Binding{s.lease(1, "2001:db8:8000:1000::/56", 0), s.lease(1, "2001:db8:8000:1100::/56", 0)}
	same := ago(s.lease(3, "2001:db8:8000:1200::/56", 0), 0)
	first, second := s.list(alone[0], same), s.list(alone[1], same)
	want := s.fibOf(alone[0], alone[1], same)
	for _, c := range conflicts {
		first.Set(c.first)
		second.Set(c.second)
		won, _ := c.sides()
		want[won.Prefix] = s.routeOf(won)
	}
	// Kea: a CLT_TIME for each lease, not one for all that a client has on a link.
	o := lqserver.Options{SequenceOption: sequenceOption, SequenceInData: true, Manner: lqserver.Kea()}
	s.serve(t, 547, first, o)
	o.DUID = otherDUID
	s.serve(t, otherPort, second, o)
	s.Start(t)
	st := s.settled(t)
	s.holds(t, want)
	for _, b := range alone {
		s.explains(t, b.Prefix.String(), "installed", "first word about this lease [R70]") // C89
	}
	for _, c := range conflicts {
		t.Run(c.name, func(t *testing.T) {
			won, lost := c.sides()
			s.names(t, won.Prefix.String(), c.rule, won.Client[9], lost.Client[9])
		})
	}
	if n := uint64(len(conflicts)); st.Counters["conflicts"] != n || st.Counters["conflicts_tied"] != 2 {
		t.Errorf("%d conflicts, of which %d ties; want %d, 2", st.Counters["conflicts"], st.Counters["conflicts_tied"], n)
	}
	if st.Counters["observations_merged"] == 0 {
		t.Error("R78 C92: the same exchange, reported by both servers, was not merged")
	}
	s.resync(t)
	s.exact(t, want) // R79, C94: the order makes no difference
	s.Stop(t)
}
