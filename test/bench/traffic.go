//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"leaseroute/test/lab"
)

// A traffic is what a router's relay is sent, made by us at both ends: what
// clients ask, by the access links, and the server's Relay-replies, by the core
// link. The relay itself is a socket that nobody reads.
type traffic struct {
	links    []link
	server   net.PacketConn
	relay    net.PacketConn
	relaysAt net.Addr
	talks    []talk
}

// A link is the subscribers' end of an access link.
type link struct {
	conn *ipv6.PacketConn
	from ipv6.ControlMessage
	to   net.Addr // all relays and servers (RFC 8415, section 7.1)
}

// A talk is what one client and the server say to one another: Request and
// Reply. Only their transaction-id changes.
type talk struct {
	link        int
	from        netip.Addr
	ask, answer []byte
	askID       []byte // where the transaction-ids are, in ask and in answer
	answerID    []byte
}

// serverDUID is what the server calls itself.
var serverDUID = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0x51}

// newTraffic prepares the exchanges in which clients get the leases that targets
// are the routes of.
func newTraffic(e *lab.Edge, targets []target) (w *traffic, err error) {
	w = &traffic{relaysAt: udp(lab.RouterAddress, dhcpv6.DefaultServerPort)}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	at := make(map[string]int)
	for i, a := range e.Access {
		at[a.Name] = i
		l, err := newLink(a)
		if err != nil {
			return w, err
		}
		w.links = append(w.links, l)
	}
	if w.server, err = e.Server.ListenPacket("udp6", netip.AddrPortFrom(lab.ServerAddress, dhcpv6.DefaultServerPort).String()); err != nil {
		return w, err
	}
	if w.relay, err = e.Router.ListenPacket("udp6", netip.AddrPortFrom(netip.IPv6Unspecified(), dhcpv6.DefaultServerPort).String()); err != nil {
		return w, err
	}
	for _, t := range targets {
		k, err := newTalk(e.Access[at[t.Dev]], at[t.Dev], t)
		if err != nil {
			return w, err
		}
		w.talks = append(w.talks, k)
	}
	return w, nil
}

func udp(a netip.Addr, port uint16) *net.UDPAddr {
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, port))
}

// newLink opens an access link for clients of any address.
func newLink(a lab.Access) (l link, err error) {
	conn, err := a.Subscribers.ListenPacket("udp6", netip.AddrPortFrom(netip.IPv6Unspecified(), dhcpv6.DefaultClientPort).String())
	if err != nil {
		return l, err
	}
	l.conn, l.to = ipv6.NewPacketConn(conn), udp(netip.MustParseAddr("ff02::1:2"), dhcpv6.DefaultServerPort)
	raw, err := conn.(*net.UDPConn).SyscallConn()
	if err == nil {
		err = errors.Join(raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_IPV6, unix.IPV6_FREEBIND, 1)
		}), err)
	}
	return l, errors.Join(err, a.Subscribers.Do(func() error {
		device, err := net.InterfaceByName("wan0")
		if err == nil {
			l.from.IfIndex = device.Index
		}
		return err
	}))
}

// newTalk encodes what a client asks on a link, and what it is answered.
func newTalk(a lab.Access, link int, t target) (k talk, err error) {
	client, err := dhcpv6.DUIDFromBytes(t.client)
	if err != nil {
		return k, err
	}
	server, err := dhcpv6.DUIDFromBytes(serverDUID)
	if err != nil {
		return k, err
	}
	const renew, rebind = time.Hour, 2 * time.Hour
	ia := &dhcpv6.OptIAPD{IaId: [4]byte{0, 0, 0, 1}, T1: renew, T2: rebind}
	ia.Options.Add(&dhcpv6.OptIAPrefix{
		PreferredLifetime: t.expires - margin, ValidLifetime: t.expires - margin,
		Prefix: &net.IPNet{IP: t.Prefix.Addr().AsSlice(), Mask: net.CIDRMask(t.Prefix.Bits(), 128)},
	})
	message := func(kind dhcpv6.MessageType) *dhcpv6.Message {
		m := &dhcpv6.Message{MessageType: kind}
		for _, o := range []dhcpv6.Option{dhcpv6.OptClientID(client), dhcpv6.OptServerID(server), ia} {
			m.AddOption(o)
		}
		return m
	}
	answer := message(dhcpv6.MessageTypeReply)
	relayed, err := dhcpv6.EncapsulateRelay(answer, dhcpv6.MessageTypeRelayReply, a.Address.AsSlice(), t.Gateway.AsSlice())
	if err != nil {
		return k, err
	}
	k = talk{link: link, from: t.Gateway, ask: message(dhcpv6.MessageTypeRequest).ToBytes(), answer: relayed.ToBytes()}
	const id = 1 // behind the type
	inner := len(k.answer) - len(answer.ToBytes())
	k.askID, k.answerID = k.ask[id:id+3], k.answer[inner+id:inner+id+3]
	return k, nil
}

// ask sends the n-th client's Request. With each number it is another exchange;
// beyond the last client it is the first one's turn again.
func (w *traffic) ask(n int) error {
	k := &w.talks[n%len(w.talks)]
	var id [4]byte
	binary.BigEndian.PutUint32(id[:], uint32(n))
	copy(k.askID, id[1:])
	copy(k.answerID, id[1:])
	l := &w.links[k.link]
	from := l.from
	from.Src = k.from.AsSlice()
	_, err := l.conn.WriteTo(k.ask, &from, l.to)
	return err
}

// answer sends the Reply to it.
func (w *traffic) answer(n int) error {
	_, err := w.server.WriteTo(w.talks[n%len(w.talks)].answer, w.relaysAt)
	return err
}

// flow has a number of exchanges happen, so many a second, and returns how long
// it took. What is late is made up for at once, as after a stall in a network.
func (w *traffic) flow(ctx context.Context, exchanges, rate int) (time.Duration, error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for n := 0; n < exchanges; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		for due := int(time.Since(began).Seconds() * float64(rate)); n < min(due, exchanges); n++ {
			if err := errors.Join(w.ask(n), w.answer(n)); err != nil {
				return 0, err
			}
		}
	}
	return time.Since(began), nil
}

func (w *traffic) close() {
	for _, l := range w.links {
		l.conn.Close()
	}
	for _, c := range []net.PacketConn{w.server, w.relay} {
		if c != nil {
			c.Close()
		}
	}
}
