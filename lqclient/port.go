package lqclient

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/lqclient/wire"
)

// ClientPort is the UDP port that leasequeries are sent from unless told
// otherwise: 547 is a relay's, which must drop what it gets there (R16).
const ClientPort = 546

const (
	portPause   = time.Second // between attempts to open a port
	maxDatagram = 64 << 10
	maxAnswers  = 4 // datagrams that wait for one exchange
)

// ErrNoPort reports a query over UDP while its port is not open. The error
// says why it is not.
var ErrNoPort = errors.New("the UDP port for leasequeries is not open")

// A Port is the UDP socket from which servers are asked about single leases
// (RFC 5007). All servers that know us by the same address share one. Run must
// be running while it is used.
type Port struct {
	local  netip.AddrPort
	listen listenFunc
	log    *logrus.Entry
	counts PortCounters // by way of count only
	down   atomic.Pointer[error]

	mu      sync.Mutex
	socket  net.PacketConn                      // nil: not open
	pending map[wire.TransactionID]*udpExchange // whose answers are waited for
}

// PortCounters counts what a port dropped.
type PortCounters struct {
	Strangers uint64 // R17: datagrams from an address that the query did not go to
	Unasked   uint64 // R29: of no outstanding query; the second copy of an answer is one
	Runts     uint64 // too short for a message
	Floods    uint64 // more datagrams for one query than anyone needs
	Failures  uint64 // attempts to open the port, or to go on reading, that failed
}

// A listenFunc opens a UDP socket.
type listenFunc func(netip.AddrPort) (net.PacketConn, error)

// A udpExchange is one query over UDP that waits for its answer.
type udpExchange struct {
	server  netip.Addr
	answers chan datagram // never closed
}

// A datagram is what came from a server, and when it left the socket (R72).
type datagram struct {
	message  []byte
	received time.Time
}

// NewPort returns a port at a local address; an unspecified one leaves it to
// the kernel from where each query goes out. It opens nothing. log may be nil.
func NewPort(local netip.AddrPort, log *logrus.Entry) *Port {
	return newPort(local, log, listenUDP)
}

func newPort(local netip.AddrPort, log *logrus.Entry, listen listenFunc) *Port {
	p := &Port{
		local: local, listen: listen, log: newNotes(log).log,
		pending: make(map[wire.TransactionID]*udpExchange),
	}
	p.fail(errors.New("it was not opened yet"))
	return p
}

func listenUDP(local netip.AddrPort) (net.PacketConn, error) {
	c, err := net.ListenUDP("udp6", net.UDPAddrFromAddrPort(local))
	if errors.Is(err, syscall.EACCES) {
		return nil, fmt.Errorf("CAP_NET_BIND_SERVICE is needed for a port below 1024: %w", err)
	}
	return c, err
}

// Err says why the port is not open; nil if it is.
func (p *Port) Err() error {
	if err := p.down.Load(); err != nil {
		return *err
	}
	return nil
}

// Counters returns what was dropped so far.
func (p *Port) Counters() PortCounters {
	c := &p.counts
	return PortCounters{
		Strangers: atomic.LoadUint64(&c.Strangers),
		Unasked:   atomic.LoadUint64(&c.Unasked),
		Runts:     atomic.LoadUint64(&c.Runts),
		Floods:    atomic.LoadUint64(&c.Floods),
		Failures:  atomic.LoadUint64(&c.Failures),
	}
}

// All yields every counter with its name.
func (c PortCounters) All() iter.Seq2[string, uint64] {
	return maps.All(map[string]uint64{
		"strangers": c.Strangers,
		"unasked":   c.Unasked,
		"runts":     c.Runts,
		"floods":    c.Floods,
		"failures":  c.Failures,
	})
}

// Run keeps the port open until ctx ends, and then returns nil. What keeps it
// from opening, such as an address that is not there yet, is tried again for
// ever, and logged when it changes.
func (p *Port) Run(ctx context.Context) error {
	told := ""
	for ctx.Err() == nil {
		err := p.serve(ctx)
		if ctx.Err() != nil {
			break
		}
		p.fail(err)
		count(&p.counts.Failures)
		if err.Error() != told {
			told = err.Error()
			p.log.WithError(err).Warn("no leasequeries over UDP for now; trying again")
		}
		sleep(ctx, portPause)
	}
	return nil
}

func (p *Port) fail(err error) { p.down.Store(&err) }

// serve opens the port and reads until that fails or ctx ends.
func (p *Port) serve(ctx context.Context) error {
	socket, err := p.listen(p.local)
	if err != nil {
		return fmt.Errorf("listen on UDP %s: %w", p.local, explainListen(err))
	}
	p.open(socket)
	p.down.Store(nil)
	defer p.open(nil)
	return p.read(ctx, socket)
}

// read reads until that fails or ctx ends, and closes the socket.
func (p *Port) read(ctx context.Context, socket net.PacketConn) error {
	stop := context.AfterFunc(ctx, func() { socket.Close() })
	defer stop()
	defer socket.Close()
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := socket.ReadFrom(buffer)
		if err != nil {
			return fmt.Errorf("read from UDP %s: %w", p.local, err)
		}
		p.hand(buffer[:n], addressOf(from), time.Now())
	}
}

func (p *Port) open(socket net.PacketConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.socket = socket
}

// explainListen says what keeps a port from opening, where that can be told.
func explainListen(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program has it, such as a DHCPv6 client: choose another on_demand.local_port, or a source for each server (%w)", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("a port below 1024 needs CAP_NET_BIND_SERVICE: give us that, or choose another on_demand.local_port (%w)", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w (%w)", errNoSource, err)
	}
	return err
}

// addressOf returns the address of a peer; invalid if it has none.
func addressOf(a net.Addr) netip.Addr {
	udp, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.Addr{}
	}
	return udp.AddrPort().Addr().Unmap()
}

// hand gives a datagram to the exchange that waits for it, or counts why not.
// The exchange itself judges what it says: what it drops must not stop its
// timer (R31).
func (p *Port) hand(b []byte, from netip.Addr, received time.Time) {
	if len(b) < 4 {
		count(&p.counts.Runts)
		return
	}
	p.mu.Lock()
	x := p.pending[wire.TransactionID(b[1:4])]
	p.mu.Unlock()
	switch {
	case x == nil:
		count(&p.counts.Unasked)
	case x.server != from:
		count(&p.counts.Strangers)
	default:
		select {
		case x.answers <- datagram{append([]byte(nil), b...), received}:
		default:
			count(&p.counts.Floods)
		}
	}
}

// expect begins to wait for the answer of a server to a query under a
// transaction-id that no other has (R1).
func (p *Port) expect(server netip.Addr) (wire.TransactionID, *udpExchange) {
	x := &udpExchange{server: server.Unmap(), answers: make(chan datagram, maxAnswers)}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := wire.NewTransactionID()
	for p.pending[id] != nil {
		id = wire.NewTransactionID()
	}
	p.pending[id] = x
	return id, x
}

// forget ends the wait.
func (p *Port) forget(id wire.TransactionID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pending, id)
}

// send sends one datagram.
func (p *Port) send(b []byte, to netip.AddrPort) error {
	p.mu.Lock()
	socket := p.socket
	p.mu.Unlock()
	if socket == nil {
		return fmt.Errorf("%w: %w", ErrNoPort, p.Err())
	}
	if _, err := socket.WriteTo(b, net.UDPAddrFromAddrPort(to)); err != nil {
		return fmt.Errorf("send to %s: %w", to, explain(err))
	}
	return nil
}
