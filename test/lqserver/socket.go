package lqserver

import (
	"net"

	"golang.org/x/net/ipv6"
)

// A socket answers each datagram from the address that it was sent to. From a
// socket that is bound to no address the kernel would choose one by itself, and
// a requestor drops what comes from another than it has asked.
type socket struct {
	net.PacketConn
	control *ipv6.PacketConn // nil: the address needs no choosing
}

func newSocket(conn net.PacketConn) *socket {
	s := &socket{PacketConn: conn}
	if udp, ok := conn.(*net.UDPConn); ok && udp.LocalAddr().(*net.UDPAddr).IP.IsUnspecified() {
		if c := ipv6.NewPacketConn(udp); c.SetControlMessage(ipv6.FlagDst, true) == nil {
			s.control = c
		}
	}
	return s
}

// receive reads one datagram. to is the address that it was sent to; nil if the
// answer needs none.
func (s *socket) receive(b []byte) (n int, from net.Addr, to net.IP, err error) {
	if s.control == nil {
		n, from, err = s.ReadFrom(b)
		return n, from, nil, err
	}
	n, c, from, err := s.control.ReadFrom(b)
	if c != nil && !c.Dst.IsMulticast() {
		to = c.Dst
	}
	return n, from, to, err
}

// send writes one datagram. from is what receive has said.
func (s *socket) send(b []byte, from net.IP, to net.Addr) error {
	if from == nil {
		_, err := s.WriteTo(b, to)
		return err
	}
	_, err := s.control.WriteTo(b, &ipv6.ControlMessage{Src: from}, to)
	return err
}
