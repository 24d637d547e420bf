package lqclient

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leaseroute/binding"
)

// An ether is what a Port's datagrams pass through: it plays the servers.
type ether struct {
	t      testing.TB
	play   func(n int, q question) [][]byte // the answers to transmission n, from 0
	from   netip.AddrPort                   // whence they come; invalid: from where the query went
	closed chan struct{}
	came   chan sent // to ReadFrom

	mu   sync.Mutex
	sent []sent
}

// A sent is one datagram.
type sent struct {
	at   time.Time
	data []byte
	peer netip.AddrPort
}

func newEther(t testing.TB, play func(n int, q question) [][]byte) *ether {
	return &ether{t: t, play: play, closed: make(chan struct{}), came: make(chan sent, 100)}
}

func (e *ether) WriteTo(b []byte, to net.Addr) (int, error) {
	e.mu.Lock()
	n := len(e.sent)
	peer := to.(*net.UDPAddr).AddrPort()
	e.sent = append(e.sent, sent{time.Now(), append([]byte(nil), b...), peer})
	e.mu.Unlock()
	if e.from.IsValid() {
		peer = e.from
	}
	for _, answer := range e.play(n, readQuestion(e.t, b)) {
		e.came <- sent{data: answer, peer: peer}
	}
	return len(b), nil
}

func (e *ether) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-e.came:
		return copy(b, d.data), net.UDPAddrFromAddrPort(d.peer), nil
	case <-e.closed:
		return 0, nil, net.ErrClosed
	}
}

func (e *ether) Close() error {
	select {
	case <-e.closed:
	default:
		close(e.closed)
	}
	return nil
}

func (e *ether) LocalAddr() net.Addr              { return &net.UDPAddr{} }
func (e *ether) SetDeadline(time.Time) error      { return nil }
func (e *ether) SetReadDeadline(time.Time) error  { return nil }
func (e *ether) SetWriteDeadline(time.Time) error { return nil }

// transmissions returns what was sent so far.
func (e *ether) transmissions() []sent {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]sent(nil), e.sent...)
}

// A lookupTrial is a requestor that is asked over UDP only, in a bubble.
type lookupTrial struct {
	*trial
	ether *ether
	port  *Port
}

// lookUp makes one, whose server is played by play.
func lookUp(t *testing.T, s Server, play func(n int, q question) [][]byte) *lookupTrial {
	t.Helper()
	x := &lookupTrial{ether: newEther(t, play)}
	x.port = newPort(netip.MustParseAddrPort("[2001:db8::2]:546"), testLog(), func(netip.AddrPort) (net.PacketConn, error) { return x.ether, nil })
	s.Lookup, s.NoBulk = true, true
	x.trial = start(t, s, Options{Port: x.port}, nil)
	ended := make(chan struct{})
	go func() { _ = x.port.Run(t.Context()); close(ended) }()
	t.Cleanup(func() { <-ended })
	x.want("begins 0", "incomplete 0")
	return x
}

// want and last are the trial's, once all that was handed on has been noted.
func (x *lookupTrial) want(events ...string) {
	x.t.Helper()
	synctest.Wait()
	x.trial.want(events...)
}

func (x *lookupTrial) last() binding.Observation {
	synctest.Wait()
	return x.trial.last()
}

// target is an address inside the prefix that the tests' client holds.
var target = Target{Address: netip.MustParseAddr("2001:db8:8000:1:2::3")}

// once answers the first transmission, and says nothing later.
func once(answer func(q question) [][]byte) func(int, question) [][]byte {
	return func(n int, q question) [][]byte {
		if n > 0 {
			return nil
		}
		return answer(q)
	}
}

func each(answer func(q question) [][]byte) func(int, question) [][]byte {
	return func(_ int, q question) [][]byte { return answer(q) }
}

// dead never answers.
func dead(int, question) [][]byte { return nil }

// found answers with one lease.
func found(q question) [][]byte {
	return list(reply(q.id, lease("2001:db8:8000::/56")))
}

// nothing answers that there is none.
func nothing(q question) [][]byte { return list(reply(q.id)) }

// held is what the table knows of the target's lease.
func (x *lookupTrial) held() Target {
	t := target
	t.Held, t.HeldBy = delegated("2001:db8:8000::/56"), binding.Server(1)
	return t
}

// linkOf makes the option that names links.
func linkOf(links ...string) []byte {
	var value []byte
	for _, l := range links {
		value = append(value, netip.MustParseAddr(l).AsSlice()...)
	}
	return option(48, value)
}
