package ondemand

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"leaseroute/test/lab"
)

const (
	floodFor   = 5500 * time.Millisecond
	floodLimit = 4_000_000 // frames
	hosts      = 60
)

// ONDEMAND 3.3: real new hosts among a flood of random sources. Each sends
// thrice, a second apart, as TCP does with its first segment at first.
func TestNFTFindsHostsInAFlood(t *testing.T) {
	tests := []struct {
		name    string
		senders uint32
	}{
		{"one sender", 1},
		{"a thousand senders", 1000},
		{"random senders", 1 << 31},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			w := s.watch(func(o *Options) { o.Rates, o.Pend = Rates{}, 0 })
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), floodFor)
			defer cancel()
			var running sync.WaitGroup
			var sent int
			running.Go(func() { sent = s.flood(ctx, tt.senders) })
			events, found := w.meet(ctx)
			running.Wait()
			took := time.Since(began)
			rates := w.opts.Rates
			most := int(rates.First.Burst+rates.Second.Burst) + int(took.Seconds()*float64(rates.First.PerSecond+rates.Second.PerSecond)) + 1
			t.Logf("%d packets in %s (%.0f/s): %d of %d hosts found, %d events of at most %d",
				sent, took.Round(time.Millisecond), float64(sent)/took.Seconds(), found, hosts, events, most)
			t.Log(w.Stats())
			if found != hosts {
				t.Errorf("%d of %d hosts found", found, hosts)
			}
			if events > most {
				t.Errorf("%d events, want at most %d", events, most)
			}
			w.counted("reports_lost", 0)
			w.counted("reports_dropped", 0)
		})
	}
}

// flood sends packets from random prefixes and so many senders.
func (s *site) flood(ctx context.Context, senders uint32) int {
	template := s.frame("acc0", hostMAC(0), lab.Delegated.Addr(), lab.ServerAddress, nil)
	const sender, source = 6, 14 + 8
	var at int
	sent, err := s.ports["acc0"].Flood(ctx, floodLimit, func(frame []byte) int {
		if at < 1<<10 { // longer than the frames that are filled in turn
			copy(frame, template)
			at++
		}
		copy(frame[sender:], hostMAC(0x80000000|rand.Uint32N(senders)))
		r := rand.Uint32()
		frame[source+4] = 0x80 | byte(r>>16)&0x7f
		frame[source+5], frame[source+6] = byte(r>>8), byte(r)
		return len(template)
	})
	if err != nil {
		s.t.Error(err)
	}
	return sent
}

// meet lets hosts come, one after the other, and returns how many reports
// there were and how many hosts were among them.
func (w *watch) meet(ctx context.Context) (events, found int) {
	wire, err := w.Access[0].Subscribers.Wire("wan0")
	must(w.t, err)
	defer wire.Close()
	const step = 50 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	known := make(map[netip.Addr]bool)
	for n := 0; ; n++ {
		// Host i comes at step i, and again 20 steps later, and again.
		for i := range hosts {
			if since := n - i; since == 0 || since == 20 || since == 40 {
				w.appear(wire, uint32(i), known)
			}
		}
		for waiting := true; waiting; {
			select {
			case u := <-w.out:
				events++
				if i, ok := hostOf(u.Address); ok && u.MAC.String() == hostMAC(i).String() && !known[u.Address] {
					known[u.Address] = true
				}
			case <-tick.C:
				waiting = false
			case <-ctx.Done():
				return events, len(known)
			}
		}
	}
}

// appear sends a host's packet, unless it is known.
func (w *watch) appear(wire *lab.Wire, i uint32, known map[netip.Addr]bool) {
	a := hostAddr(i)
	if !known[a] {
		must(w.t, wire.Send(w.frame("acc0", hostMAC(i), a, lab.ServerAddress, nil)))
	}
}

// hostAddr is an address that no random one is like: those end in zeroes.
func hostAddr(i uint32) netip.Addr {
	b := prefixed(0x2000 + i).As16()
	b[15] = 7
	return netip.AddrFrom16(b)
}

func hostOf(a netip.Addr) (uint32, bool) {
	for i := range uint32(hosts) {
		if hostAddr(i) == a {
			return i, true
		}
	}
	return 0, false
}
