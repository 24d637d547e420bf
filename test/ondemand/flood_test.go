//go:build linux

package ondemand

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

const (
	newcomers  = 60
	floodLimit = 4_000_000 // frames
	// Newcomer i comes at step i of a flood, and sends twice more at every
	// second, as TCP does with its first segment.
	step        = 50 * time.Millisecond
	again       = 20 // steps
	lastStep    = newcomers - 1 + 2*again
	floodSource = 14 + 8 // where a frame has its addresses
	floodDest   = floodSource + 16
)

// TestFlood (R96) has real new sources come among a flood of random ones. No
// other test runs beside it.
func TestFlood(t *testing.T) {
	tests := []struct {
		name    string
		mode    string
		senders uint32
	}{
		{"R96 ONDEMAND 3.3 one sender, mode accept", "accept", 1},
		{"R96 ONDEMAND 3.3 random senders, mode accept", "accept", 1 << 31},
		{"R96 ONDEMAND 3.3 R-3 random senders, mode guard", "guard", 1 << 31},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFlooded(t, tt.mode)
			access := f.line(t, "acc0")
			f.during(t, "acc0", func(frame []byte) {
				binary.BigEndian.PutUint32(frame[8:], 0x80000000|rand.Uint32N(tt.senders)) // the end of the sender's address
				scatter(frame[floodSource:])
			}, func(n int) { f.come(t, access, n) })
			f.judge(t)
			f.Stop(t)
		})
	}
}

// TestFloodFromTheCore (R96) has the core scan the whole block from one address,
// and look for a subscriber in there from another: thrice, a second apart.
func TestFloodFromTheCore(t *testing.T) {
	f := newFlooded(t, "accept")
	core, access := f.line(t, "core0"), f.line(t, "acc0")
	wanted := uint16(newcomers + 1)
	f.list.Set(withheld(f.lease(wanted, 0)))
	f.during(t, "core0", func(frame []byte) {
		scatter(frame[floodDest:])
		binary.BigEndian.PutUint64(frame[floodDest+8:], rand.Uint64())
	}, func(n int) {
		f.come(t, access, n)
		if n == again || n == 2*again || n == 3*again { // not before there is a flood
			must(t, core.Send(core.frame(mac(99), netip.MustParseAddr("2001:db8:0:1::9"), address(wanted), "")))
		}
	})
	f.judge(t)
	if f.Routes(t)[prefix(wanted)] != f.routeOf(f.lease(wanted, 0)) {
		t.Error("the one that the core looked for is not found")
	}
	f.Stop(t)
}

// A flooded site has newcomers whose leases are withheld.
type flooded struct {
	*site
	dhcp   *lqserver.Server
	list   *lqserver.List
	leases []lqserver.Binding

	sent int
	took time.Duration
}

func newFlooded(t *testing.T, mode string) *flooded {
	t.Helper()
	f := &flooded{site: newSite(t, config(dhcp1(), "on_demand: { mode: "+mode+" }"))}
	f.list = f.site.list()
	for n := range uint16(newcomers) {
		f.leases = append(f.leases, f.lease(n+1, 0))
		f.list.Set(withheld(f.lease(n+1, 0)))
	}
	f.dhcp = f.serve(t, 547, f.list, lqserver.Options{})
	f.armed(t)
	return f
}

// scatter makes an address random, but for the block that it is in: another
// prefix each time.
func scatter(address []byte) {
	r := rand.Uint32()
	address[4] = 0x80 | byte(r>>16)&0x7f
	address[5], address[6] = byte(r>>8), byte(r)
}

// during floods a line with frames that change makes of a datagram from a
// stranger to the server, and calls do at each step meanwhile.
func (f *flooded) during(t *testing.T, line string, change func(frame []byte), do func(step int)) {
	t.Helper()
	wire := f.line(t, line) // nobody else's: a wire is for one goroutine
	template := wire.frame(mac(0), netip.MustParseAddr("2001:db8:0:1::66"), lab.ServerAddress, "")
	ctx, cancel := context.WithCancel(f.ctx)
	defer cancel()
	var running sync.WaitGroup
	began := time.Now()
	running.Go(func() {
		var err error
		f.sent, err = wire.Flood(ctx, floodLimit, func(frame []byte) int {
			copy(frame, template)
			change(frame)
			return len(template)
		})
		if err != nil {
			t.Error(err)
		}
		f.took = time.Since(began)
	})
	tick := time.NewTicker(step)
	defer tick.Stop()
	for n := range lastStep + 1 {
		do(n)
		<-tick.C
	}
	cancel()
	running.Wait()
}

// come sends what newcomers send at a step.
func (f *flooded) come(t *testing.T, l *line, n int) {
	t.Helper()
	for i := range newcomers {
		if since := n - i; since == 0 || since == again || since == 2*again {
			l.sends(t, uint16(i+1), "")
		}
	}
}

// judge waits until all that was noticed is dealt with, and says what came of
// it.
func (f *flooded) judge(t *testing.T) {
	t.Helper()
	st := f.landed(t)
	f.status(t, func(st control.Status) error {
		if st.ChangesPending != 0 {
			return fmt.Errorf("%d changes are pending", st.ChangesPending)
		}
		return nil
	})
	have, found := f.Routes(t), 0
	for _, b := range f.leases {
		if have[b.Prefix] == f.routeOf(b) {
			found++
		}
	}
	asked := f.dhcp.Stats().UDP
	t.Logf("%d frames in %s (%.0f/s): %d of %d newcomers have their routes; the server got %d questions, at most %d datagrams in a second",
		f.sent, f.took.Round(time.Millisecond), float64(f.sent)/f.took.Seconds(), found, len(f.leases), asked.Transactions, asked.Peak)
	t.Log(brief(st))
	if found != len(f.leases) {
		t.Errorf("%d of %d newcomers have their routes", found, len(f.leases))
	}
	const rate = 500 // the default
	if asked.Peak > rate {
		t.Errorf("the server got %d datagrams within a second, want at most %d", asked.Peak, rate)
	}
}
