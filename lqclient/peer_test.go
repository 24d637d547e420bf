package lqclient

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"leaseroute/lqclient/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A peer is the server's end of a connection, played by a test.
type peer struct {
	t      testing.TB
	socket net.Conn
	reader *wire.Reader
}

func newPeer(t testing.TB, socket net.Conn) *peer {
	return &peer{t: t, socket: socket, reader: wire.NewReader(socket, time.Now)}
}

// A question is a query as the server reads it.
type question struct {
	kind    wire.QueryType
	link    netip.Addr
	options []byte // query-options
	id      wire.TransactionID
}

// query reads the next query; ok is false if the requestor has closed.
func (p *peer) query() (q question, ok bool) {
	frame, _, err := p.reader.Next()
	if err != nil {
		return question{}, false
	}
	return readQuestion(p.t, frame), true
}

// readQuestion takes a query apart.
func readQuestion(t testing.TB, message []byte) (q question) {
	if wire.MessageType(message[0]) != wire.LeaseQuery {
		t.Errorf("requestor sent a message of type %d", message[0])
	}
	q.id = wire.TransactionID(message[1:4])
	for o := message[4:]; len(o) >= 4; {
		size := int(binary.BigEndian.Uint16(o[2:]))
		if value := o[4 : 4+size]; binary.BigEndian.Uint16(o) == 44 {
			q.kind, q.link, q.options = wire.QueryType(value[0]), netip.AddrFrom16([16]byte(value[1:17])), append([]byte(nil), value[17:]...)
		}
		o = o[4+size:]
	}
	return q
}

// must reads a query that has to come.
func (p *peer) must() question {
	q, ok := p.query()
	if !ok {
		p.t.Error("the requestor closed, want a query")
	}
	return q
}

// address returns what a query by address asks about.
func (q question) address() netip.Addr { return netip.AddrFrom16([16]byte(q.options[4:20])) }

// say sends messages; it is no error if the requestor has gone.
func (p *peer) say(messages ...[]byte) {
	for _, m := range messages {
		frame, err := wire.AppendFrame(nil, m)
		if err != nil {
			p.t.Error(err)
		}
		if _, err := p.socket.Write(frame); err != nil {
			return
		}
	}
}

// closed waits until the requestor has closed, and fails if it says anything.
func (p *peer) closed() {
	if frame, _, err := p.reader.Next(); err == nil {
		p.t.Errorf("requestor sent % x, want it to close", frame)
	}
}

// A network gives a requestor connections to peers, each played in turn.
type network struct {
	t       testing.TB
	failing func(n int) error // the error of dial number n, from 0; may be nil
	play    func(n int, p *peer)
	playing sync.WaitGroup

	mu     sync.Mutex
	times  []time.Time // of each dial
	played int
}

func newNetwork(t testing.TB, play func(n int, p *peer)) *network {
	return &network{t: t, play: play}
}

// dial is a dialFunc.
func (n *network) dial(context.Context, netip.Addr, netip.AddrPort) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.times = append(n.times, time.Now())
	if n.failing != nil {
		if err := n.failing(len(n.times) - 1); err != nil {
			return nil, err
		}
	}
	ours, theirs := net.Pipe()
	number := n.played
	n.played++
	n.playing.Go(func() {
		defer theirs.Close()
		n.play(number, newPeer(n.t, theirs))
	})
	return ours, nil
}

// dials returns when connections were attempted.
func (n *network) dials() []time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.times)
}

// wait returns once all peers have ended.
func (n *network) wait() { n.playing.Wait() }

// testServer is a server as the configuration might have it.
func testServer() Server {
	return Server{
		Number:  1,
		Name:    "kea1",
		Address: netip.MustParseAddrPort("[2001:db8::1]:547"),
		Queries: []wire.QueryType{wire.ByRelayID, wire.ByLinkAddress, wire.ByRemoteID},
	}
}

// testLog logs to nowhere, or to the terminal with LEASEROUTE_TEST_LOG=1.
func testLog() *logrus.Entry {
	if os.Getenv("LEASEROUTE_TEST_LOG") == "" {
		return nil
	}
	return logrus.NewEntry(logrus.StandardLogger())
}

// counter returns a counter by its name.
func counter(t testing.TB, c Counters, name string) uint64 {
	t.Helper()
	for n, value := range c.All() {
		if n == name {
			return value
		}
	}
	t.Fatalf("no counter %q", name)
	return 0
}
