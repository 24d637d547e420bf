//go:build linux

package e2e

import (
	"strings"
	"testing"
	"time"

	"leaseroute/test/lqserver"
)

// numbering is how servers number their statements in these tests: each lease
// has a message of its own, and those say a number whose lease has one.
func numbering() lqserver.Options {
	return lqserver.Options{SequenceOption: sequenceOption, Manner: lqserver.Kea()}
}

// numbered is the lease, heard so long ago, with a sequence number.
func numbered(n uint64, ago time.Duration, b lqserver.Binding) lqserver.Binding {
	return number(n, heard(ago, b))
}

func number(n uint64, b lqserver.Binding) lqserver.Binding {
	b.Sequence = n
	return b
}

// TestOneServerTwice asks one server by two addresses. Its sequence numbers
// decide, whichever connection they come by.
func TestOneServerTwice(t *testing.T) {
	t.Parallel()
	const p1, p2, p3, p4 = "2001:db8:8000:100::/56", "2001:db8:8000:200::/56", "2001:db8:8000:300::/56", "2001:db8:8000:400::/56"
	s := newSite(t, config(
		dhcp1("sequence_number_option: 65001"),
		serverLine("dhcp2", otherPort, "sequence_number_option: 65001")))
	conflicts := []conflict{
		{
			name:  "R76 C95 the higher number, though its client was heard earlier",
			first: numbered(10, time.Hour, s.lease(1, p1, 0)), second: numbered(5, time.Minute, s.lease(2, p1, 1)), won: 1, rule: "R76",
		},
		{
			name:  "R76 R77 the same number for two clients: the later one",
			first: numbered(7, time.Hour, s.lease(1, p2, 0)), second: numbered(7, time.Minute, s.lease(2, p2, 1)), won: 2, rule: "R77",
		},
		{
			name:  "R77 C97 no number on one side: the later one",
			first: heard(time.Hour, s.lease(1, p3, 0)), second: numbered(6, time.Minute, s.lease(2, p3, 1)), won: 2, rule: "R77",
		},
		{
			name:  "R80 C96 a lower number than another prefix's",
			first: numbered(9, time.Minute, s.lease(1, p4, 0)), second: numbered(8, time.Minute, s.lease(2, p4, 1)), won: 1, rule: "R76",
		},
	}
	first, second, want := s.list(), s.list(), make(fib)
	for _, c := range conflicts {
		first.Set(c.first)
		second.Set(c.second)
		won, _ := c.sides()
		want[won.Prefix] = s.routeOf(won)
	}
	s.serve(t, 547, first, numbering())
	s.serve(t, otherPort, second, numbering())
	s.Start(t)
	s.settled(t)
	s.holds(t, want)
	for _, c := range conflicts {
		t.Run(c.name, func(t *testing.T) {
			won, lost := c.sides()
			s.names(t, won.Prefix.String(), c.rule, won.Client[9], lost.Client[9])
			if c.rule == "R76" {
				if b := s.Bindings(t)[won.Prefix.String()]; b.SequenceNumber == nil || *b.SequenceNumber != won.Sequence {
					t.Errorf("the sequence number is shown as %v, want %d", b.SequenceNumber, won.Sequence)
				}
			}
		})
	}
	s.resync(t)
	s.exact(t, want)
	s.Stop(t)
}

// TestSequenceNumbersOverTime follows one server through what its numbers may
// do.
func TestSequenceNumbersOverTime(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1("sequence_number_option: 65001")))
	list := s.list(
		numbered(100, time.Hour, s.lease(1, "2001:db8:8000:100::/56", 0)),
		numbered(101, time.Hour, s.lease(1, "2001:db8:8000:200::/56", 0)),
		numbered(102, time.Hour, s.lease(1, "2001:db8:8000:300::/56", 0)))
	s.serve(t, 547, list, numbering())
	s.Start(t)
	s.settled(t)
	s.holds(t, s.fibOf(list.All()...))

	// A leap of the number, as of a poisoned one: the CLT decides.
	leapt := numbered(102+1<<33, 30*time.Minute, s.lease(2, "2001:db8:8000:300::/56", 1))
	list.Set(leapt)
	s.resync(t)
	s.holds(t, s.fibOf(list.All()...))
	s.names(t, leapt.Prefix.String(), "R77", 2, 1)
	if n := s.counted(t, "sequence_lockouts", 1).Counters["sequence_lockouts"]; n != 1 {
		t.Errorf("R84 C99: %d sequence numbers were locked out, want 1", n)
	}

	// The server's numbers begin anew. Two statements lose by their number;
	// the third that was heard later opens a new epoch, and in that the others
	// win in the next round.
	list.Set(
		numbered(1, time.Minute, s.lease(3, "2001:db8:8000:100::/56", 1)),
		numbered(2, time.Minute, s.lease(3, "2001:db8:8000:200::/56", 1)),
		numbered(3, time.Minute, s.lease(1, "2001:db8:8000:300::/56", 0)))
	s.resync(t)
	s.explains(t, "2001:db8:8000:100::/56", "client "+duidOf(3)+" lost against "+duidOf(1), "[R76]")
	s.resync(t)
	if n := s.counted(t, "sequence_epoch_resets", 1).Counters["sequence_epoch_resets"]; n != 1 {
		t.Errorf("R85 C100: %d new epochs, want 1", n)
	}
	s.holds(t, s.fibOf(list.All()...))
	s.names(t, "2001:db8:8000:100::/56", "R77", 3, 1)
	s.Stop(t)
}

// TestShortSequenceNumbers has numbers of four octets pass 2^32.
func TestShortSequenceNumbers(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1("sequence_number_option: 65001")))
	list := s.list(numbered(0xfffffff0, time.Minute, s.lease(1, "2001:db8:8000:100::/56", 0)))
	o := numbering()
	o.Faults.SequenceOctets = 4
	s.serve(t, 547, list, o)
	s.Start(t)
	s.settled(t)
	list.Set(numbered(5, time.Hour, s.lease(2, "2001:db8:8000:100::/56", 1)))
	s.resync(t)
	s.holds(t, s.fibOf(list.All()...))
	s.names(t, "2001:db8:8000:100::/56", "R76", 2, 1) // R86: by serial number arithmetic
	s.Stop(t)
}

// TestNumberOfTheReply has a server number nothing but its REPLY: what comes
// in DATA has no number (R81, C101).
func TestNumberOfTheReply(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1("sequence_number_option: 65001")))
	list := s.list(s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "2001:db8:8000:200::/56", 1))
	s.serve(t, 547, list, numbering())
	s.Start(t)
	s.settled(t)
	shown := s.Bindings(t)
	if b := shown["2001:db8:8000:100::/56"]; b.SequenceNumber == nil {
		t.Error("R81: the lease in the REPLY has no sequence number")
	}
	if b := shown["2001:db8:8000:200::/56"]; b.SequenceNumber != nil {
		t.Errorf("R81 C101: the lease in the DATA has the sequence number %d", *b.SequenceNumber)
	}
	stdout, _, _ := s.Run(t, "show", "bindings", "--json")
	if !strings.Contains(stdout, `"sequence_number": null`) {
		t.Errorf("no sequence number is not null:\n%s", stdout)
	}
	s.Stop(t)
}
