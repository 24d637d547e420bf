//go:build linux

package glean

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// midstream is a site whose server holds its bulk answer back, while clients
// go on.
type midstream struct {
	*site
	lines  [2]*line
	hold   *lqserver.Hold
	kernel *news
}

// block returns the n-th prefix that the tests lease.
func block(n int) netip.Prefix {
	return netip.MustParsePrefix(fmt.Sprintf("2001:db8:8000:%x00::/56", n))
}

// old is what the bulk answer says of the n-th prefix: a client on a link had
// it ten minutes ago.
func (s *site) old(n, client, link int, sequence uint64) lqserver.Binding {
	return lqserver.Binding{
		Client: duidOf(client).ToBytes(), Prefix: block(n), Delegated: true,
		Preferred: time.Hour, Valid: 2 * time.Hour, Last: time.Now().Add(-10 * time.Minute),
		Relays:   []lqserver.Relay{{Link: s.Access[link].Address, Peer: linkLocal(client), RelayID: routerDUID}},
		Sequence: sequence,
	}
}

var routerDUID = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0xee, 0xee}

// newMidstream makes one, whose server has told the first binding and no more.
func newMidstream(t *testing.T, numbers map[netip.Prefix]uint64, bindings func(*site) []lqserver.Binding) *midstream {
	t.Helper()
	m := &midstream{site: newBareSite(t, 2), hold: lqserver.NewHold(1)}
	t.Cleanup(m.hold.Release)
	m.playRelayed(t, script{numbers: numbers})
	for i := range m.lines {
		m.lines[i] = m.line(t, m.Access[i])
	}
	m.serve(t, bindings(m.site))
	m.Daemon = daemon.New(t, m.Edge, serverKeys(daemon.Config(relayID), fmt.Sprintf("sequence_number_option: %d,", sequenceOption)))
	m.kernel = m.watch(t)
	m.Start(t)
	m.reached(t)
	m.stands(t, block(0), place{linkLocal(100), m.Access[0].Name})
	return m
}

// serve answers bulk leasequeries until the test is over.
func (m *midstream) serve(t *testing.T, bindings []lqserver.Binding) {
	t.Helper()
	listener, err := m.Server.Listen("tcp", netip.AddrPortFrom(lab.ServerAddress, 547).String())
	must(t, err)
	list := lqserver.NewList([]netip.Prefix{m.Access[0].Subnet, m.Access[1].Subnet}, []netip.Prefix{lab.Delegated})
	list.Set(bindings...)
	server, err := lqserver.New(lqserver.Options{
		Listener: listener, DUID: lab.KeaServerDUID, SequenceOption: sequenceOption,
		Faults: lqserver.Faults{Hold: m.hold},
	}, list)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error("run the server:", err)
		}
	})
}

// reached waits until the answer is held back.
func (m *midstream) reached(t *testing.T) {
	t.Helper()
	select {
	case <-m.hold.Reached():
	case <-m.ctx.Done():
		t.Fatal("the answer was never held back")
	}
}

// stands waits until the kernel has the route to p by way of a place.
func (s *site) stands(t *testing.T, p netip.Prefix, at place) {
	t.Helper()
	want := lab.Route{Prefix: p, Gateway: at.gateway, Dev: at.dev}
	s.until(t, "the route is not there", func() []string {
		if r := s.Routes(t)[p]; r != want {
			return []string{fmt.Sprintf("%+v, want %+v", r, want)}
		}
		return nil
	})
}

// told are the kernel's notifications about one prefix.
func told(seen []string, p netip.Prefix) (about []string) {
	for _, line := range seen {
		if strings.Contains(line, p.String()) {
			about = append(about, line)
		}
	}
	return about
}

func TestGleanedInMidstream(t *testing.T) {
	t.Parallel()
	numbers := map[netip.Prefix]uint64{block(4): 50, block(5): 70}
	m := newMidstream(t, numbers, func(s *site) []lqserver.Binding {
		return []lqserver.Binding{
			s.old(0, 100, 0, 0),
			s.old(1, 101, 1, 0),  // gleaned meanwhile: another client, on another link
			s.old(2, 102, 0, 0),  // released meanwhile
			s.old(3, 103, 0, 0),  // renewed meanwhile
			s.old(4, 104, 1, 60), // gleaned with a lower sequence number
			s.old(5, 105, 1, 60), // gleaned with a higher one
			s.old(6, 106, 1, 0),  // nothing happens to it
		}
	})
	here, there := m.Access[0].Name, m.Access[1].Name
	for n, client := range map[int]int{1: 201, 3: 103, 4: 204, 5: 205} {
		newSubscriber(client).asks(m.ctx, t, m.lines[0], block(n))
		m.stands(t, block(n), place{linkLocal(client), here})
	}
	releaser := newSubscriber(102)
	releaser.server, releaser.leases[m.lines[0]] = opaque(lab.KeaServerDUID), block(2)
	must(t, releaser.release(m.ctx, m.lines[0]))
	m.Wait(t, "the Release", func(s control.Status) bool { return s.Counters["glean_leases_released"] == 1 })
	if state := m.Status(t).State; state != "recovering" {
		t.Fatalf("it is %s while the answer is held back", state)
	}
	m.kernel.reset(t)
	m.hold.Release()
	m.Recovered(t)
	seen := m.kernel.reset(t)
	tests := []struct {
		name string
		n    int
		at   place // none: no route
		want []string
	}{
		{"R71 R77 a gleaned lease wins over older bulk data, and its route is not touched", 1, place{linkLocal(201), here}, nil},
		{"R89 C110 what was released meanwhile is not revived", 2, place{}, nil},
		{"R77 R78 a renewal stays, and its route is not touched", 3, place{linkLocal(103), here}, nil},
		{"R76 R82 C95 a higher sequence number wins over what was gleaned, in one replace", 4, place{linkLocal(104), there},
			[]string{newRoute(block(4), place{gateway: linkLocal(104)})}},
		{"R76 R82 C95 a lower one does not", 5, place{linkLocal(205), here}, nil},
		{"R70 what nothing happened to is learnt", 6, place{linkLocal(106), there},
			[]string{newRoute(block(6), place{gateway: linkLocal(106)})}},
	}
	routes := m.Routes(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, known := routes[block(tt.n)]
			if known != (tt.at != place{}) || known && (r.Gateway != tt.at.gateway || r.Dev != tt.at.dev) {
				t.Errorf("the route is %+v, want one by way of %+v", r, tt.at)
			}
			if got := told(seen, block(tt.n)); !slices.Equal(got, tt.want) {
				t.Errorf("the kernel told %q, want %q", got, tt.want)
			}
		})
	}
	m.explained(t, block(1), "bulk from dhcp1 (on acc1): the client spoke to its server earlier [R77]")
	m.explained(t, block(1), "client "+duidText(duidOf(101).ToBytes())+" lost against "+duidText(duidOf(201).ToBytes()))
	m.WaitLine(t, regexp.MustCompile(`msg="a lease was claimed or released in vain"`))
	m.explained(t, block(2), "bulk from dhcp1 (on acc0): older than the end of the lease [R89]")
	m.explained(t, block(2), "glean (Release, on acc0): released by its client [R89]")
	m.explained(t, block(4), "bulk from dhcp1 (on acc1): newer sequence number of the same server [R76]")
}
