package lqserver

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// A packetPipe is a UDP socket of the server in a synctest bubble, where real
// ones can't live.
type packetPipe struct {
	net.PacketConn // nil: nothing else is called
	in, out        chan letter
	closed         chan struct{}
	once           sync.Once
}

// A letter is a datagram with the address of its other side.
type letter struct {
	octets []byte
	addr   net.UDPAddr
}

func newPacketPipe() *packetPipe {
	const room = 100_000
	return &packetPipe{in: make(chan letter, room), out: make(chan letter, room), closed: make(chan struct{})}
}

func (p *packetPipe) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case l := <-p.in:
		return copy(b, l.octets), &l.addr, nil
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

func (p *packetPipe) WriteTo(b []byte, to net.Addr) (int, error) {
	p.out <- letter{octets: bytes.Clone(b), addr: *to.(*net.UDPAddr)}
	return len(b), nil
}

func (p *packetPipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *packetPipe) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv6loopback, Port: 547} }

// packets runs a server in a bubble. change may be nil.
func packets(t *testing.T, store Store, change func(*Options)) (*Server, *packetPipe) {
	t.Helper()
	p := newPacketPipe()
	o := Options{Packets: p, DUID: testDUID}
	if change != nil {
		change(&o)
	}
	s, err := New(o, store)
	must(t, err)
	run(t, s)
	return s, p
}

// requestor is where a bubble's queries come from.
var requestor = net.UDPAddr{IP: net.IPv6loopback, Port: 40000}

// send puts datagrams in and returns what has come out once the server rests.
func (p *packetPipe) send(datagrams ...[]byte) []letter {
	for _, b := range datagrams {
		p.in <- letter{octets: b, addr: requestor}
	}
	return p.answers()
}

func (p *packetPipe) answers() []letter {
	synctest.Wait()
	var all []letter
	for {
		select {
		case l := <-p.out:
			all = append(all, l)
		default:
			return all
		}
	}
}

// ask sends a query and returns the message that comes at once, nil if there is
// none.
func (p *packetPipe) ask(t *testing.T, a ask) *dhcpv6.Message {
	t.Helper()
	answers := p.send(a.message())
	if len(answers) == 0 {
		return nil
	}
	return parsed(t, [][]byte{answers[0].octets})[0]
}
