//go:build linux

package lab

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
	"golang.org/x/sync/errgroup"
)

// A ProbeResult tells what became of a stream of pings.
type ProbeResult struct {
	Sent, Answered int
	Longest        time.Duration // the slowest answer
}

// Lost returns how many pings were not answered.
func (r ProbeResult) Lost() int { return r.Sent - r.Answered }

// lastAnswers is how long a probe that has ended waits for missing answers.
const lastAnswers = 2 * time.Second

// A probe is one call of Namespace.Probe. Its packets carry its start, which
// tells them from those of others, and when they were sent.
type probe struct {
	conn     net.PacketConn
	start    time.Time
	sent     atomic.Int64
	answered atomic.Int64
	over     atomic.Bool   // nothing more is sent
	longest  time.Duration // the receiver's
}

// Probe pings the targets in turn, one every interval, until ctx ends. Then it
// waits for the answers that are on their way, and tells what was lost.
func (n *Namespace) Probe(ctx context.Context, interval time.Duration, targets ...netip.Addr) (ProbeResult, error) {
	conn, err := n.ListenPacket("ip6:ipv6-icmp", "::")
	if err != nil {
		return ProbeResult{}, fmt.Errorf("probe: %w", err)
	}
	defer conn.Close()
	p := &probe{conn: conn, start: time.Now()}
	var g errgroup.Group
	g.Go(func() error { return p.send(ctx, interval, targets) })
	g.Go(func() error { p.receive(); return nil })
	err = g.Wait()
	return ProbeResult{int(p.sent.Load()), int(p.answered.Load()), p.longest}, err
}

// send sends until ctx ends, and then limits the receiver's patience.
func (p *probe) send(ctx context.Context, interval time.Duration, targets []netip.Addr) error {
	defer func() {
		p.over.Store(true)
		if p.complete() {
			p.conn.SetReadDeadline(past)
			return
		}
		p.conn.SetReadDeadline(time.Now().Add(lastAnswers))
	}()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for i := 0; ; i++ {
		data := binary.BigEndian.AppendUint64(nil, uint64(p.start.UnixNano()))
		data = binary.BigEndian.AppendUint64(data, uint64(time.Since(p.start)))
		p.sent.Add(1)
		// An error is a lost packet: the route to the target may be missing.
		_ = sendEcho(p.conn, targets[i%len(targets)], uint16(i), data)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (p *probe) receive() {
	for buf := make([]byte, 1500); !p.complete(); {
		size, _, err := p.conn.ReadFrom(buf)
		if err != nil {
			return // the deadline
		}
		m, err := icmp.ParseMessage(icmpv6, buf[:size])
		if err != nil || m.Type != ipv6.ICMPTypeEchoReply {
			continue
		}
		data := m.Body.(*icmp.Echo).Data
		if len(data) != 16 || binary.BigEndian.Uint64(data) != uint64(p.start.UnixNano()) {
			continue // someone else's
		}
		p.longest = max(p.longest, time.Since(p.start)-time.Duration(binary.BigEndian.Uint64(data[8:])))
		p.answered.Add(1)
	}
}

// complete reports that nothing is sent any more and all is answered.
func (p *probe) complete() bool { return p.over.Load() && p.answered.Load() == p.sent.Load() }
