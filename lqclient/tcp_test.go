package lqclient

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// listen plays one connection over real TCP on the loopback, and returns how
// a requestor reaches it.
func listen(t testing.TB, play func(p *peer)) Server {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.MustParseAddrPort("[::1]:0")))
	must(t, err)
	var g errgroup.Group
	g.Go(func() error {
		socket, err := l.Accept()
		if err != nil {
			return err
		}
		defer socket.Close()
		play(newPeer(t, socket))
		return nil
	})
	t.Cleanup(func() {
		l.Close()
		must(t, g.Wait())
	})
	s := testServer()
	s.Address = l.Addr().(*net.TCPAddr).AddrPort()
	return s
}

// asksOf asks a server over TCP and returns how many leases came.
func asksOf(t testing.TB, s Server) (int, error) {
	t.Helper()
	summary, err := Ask(t.Context(), s, ourDUID, byRelayID, func(Answered) error { return nil })
	return summary.Leases, err
}

func TestOverTCP(t *testing.T) {
	a := lease("2001:db8:8000::/56")
	t.Run("R45 the port is the server's, the source is ours to choose", func(t *testing.T) {
		s := listen(t, func(p *peer) {
			if from := p.socket.RemoteAddr().(*net.TCPAddr).AddrPort().Addr(); from != netip.IPv6Loopback() {
				t.Errorf("connection from %s", from)
			}
			p.say(holding("2001:db8:8000::/56")(p.must())...)
			p.closed()
		})
		s.Source = netip.IPv6Loopback()
		if n, err := asksOf(t, s); n != 1 || err != nil {
			t.Errorf("%d leases, error %v; want 1", n, err)
		}
	})
	t.Run("C72 R53 nothing is half-closed while an answer is outstanding", func(t *testing.T) {
		s := listen(t, func(p *peer) {
			id := p.must().id
			p.say(reply(id, a))
			must(t, p.socket.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
			if _, err := p.socket.Read(make([]byte, 1)); !isTimeout(err) {
				t.Errorf("read = %v while the answer goes on, want nothing to come", err)
			}
			must(t, p.socket.SetReadDeadline(time.Time{}))
			p.say(done(id))
			p.closed()
		})
		conn, err := Dial(t.Context(), s, ourDUID, nil)
		must(t, err)
		ran := make(chan error)
		go func() { ran <- conn.Run(t.Context()) }()
		answer, err := conn.Do(t.Context(), byRelayID, func(Part) error { return nil })
		conn.Close()
		if answer.Messages != 1 || err != nil || <-ran != nil {
			t.Errorf("%d messages, error %v; want 1", answer.Messages, err)
		}
	})
	t.Run("C67 R55 a reset in the middle keeps what came", func(t *testing.T) {
		taken := make(chan struct{})
		s := listen(t, func(p *peer) {
			id := p.must().id
			p.say(reply(id, a), data(id, a))
			<-taken // a reset may overtake data
			must(t, p.socket.(*net.TCPConn).SetLinger(0))
		})
		n := 0
		_, err := Ask(t.Context(), s, ourDUID, byRelayID, func(Answered) error {
			if n++; n == 2 {
				close(taken)
			}
			return nil
		})
		if n != 2 || !errors.Is(err, ErrIncomplete) {
			t.Errorf("%d leases, error %v; want 2 and an incomplete answer", n, err)
		}
	})
	t.Run("C4 frames in single octets and many in one segment", func(t *testing.T) {
		s := listen(t, func(p *peer) {
			id := p.must().id
			p.say(reply(id, a))
			for _, octet := range append([]byte{0, byte(len(data(id, a)))}, data(id, a)...) {
				_, _ = p.socket.Write([]byte{octet})
			}
			var segment []byte
			for range 100 {
				segment = append(append(segment, 0, byte(len(data(id, a)))), data(id, a)...)
			}
			_, _ = p.socket.Write(segment)
			p.say(done(id))
			p.closed()
		})
		if n, err := asksOf(t, s); n != 102 || err != nil {
			t.Errorf("%d leases, error %v; want 102", n, err)
		}
	})
	t.Run("a server that accepts and closes", func(t *testing.T) {
		s := listen(t, func(p *peer) {})
		if _, err := asksOf(t, s); !errors.Is(err, ErrRefused) {
			t.Errorf("error %v, want ErrRefused", err)
		}
	})
	t.Run("DESIGN 5 a source address that we do not have", func(t *testing.T) {
		s := listen(t, func(p *peer) { p.closed() })
		done := make(chan struct{})
		go func() { // so that the listener has someone to accept
			defer close(done)
			c, err := net.Dial("tcp", s.Address.String())
			must(t, err)
			c.Close()
		}()
		s.Source = netip.MustParseAddr("2001:db8::dead")
		if _, err := asksOf(t, s); !errors.Is(err, errNoSource) {
			t.Errorf("error %v, want errNoSource", err)
		}
		<-done
	})
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
