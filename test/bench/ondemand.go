//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"leaseroute/lqclient/wire"
	"leaseroute/test/lab"
)

const (
	// heard is how many subscribers the bulk answer tells of, and unheard how
	// many come up without.
	heard, unheard = 10_000, 500
	// apart is what lies between those: they come slower than the rates of an
	// interface would bound them.
	apart = 12 * time.Millisecond
)

// An encounter is how long it took with each unknown source, in milliseconds.
type encounter struct {
	product series // from before its first packet is sent until the kernel has told of its route
	answer  series // from before a bare query about it is sent until the server's answer is read
}

// onDemand measures how soon an unknown source is routed, in turns with the
// server's own answer to the same question, asked from the same namespace.
func (b *bench) onDemand(ctx context.Context) (results []result, err error) {
	say("from the first packet of an unknown source to its route, %d times, beside the server's answer", unheard)
	var n encounter
	if err := fresh(ctx, func(ctx context.Context, e *lab.Edge) error { return n.measure(ctx, b, e) }); err != nil {
		return nil, err
	}
	return []result{n.result()}, nil
}

func (n *encounter) measure(ctx context.Context, b *bench, e *lab.Edge) error {
	const all = crowd(heard + unheard)
	if _, err := all.serve(ctx, e, b.binary, "--withhold", strconv.Itoa(unheard)); err != nil {
		return err
	}
	d, err := b.recover(ctx, e, relayID, "")
	if err != nil {
		return err
	}
	if err := d.complete(ctx, e, heard); err != nil {
		return err
	}
	targets, err := all.targets(e)
	if err != nil {
		return err
	}
	w, err := newStrangers(e)
	if err != nil {
		return err
	}
	defer w.close()
	for i, t := range targets[heard:] {
		if err := errors.Join(ctx.Err(), n.ask(w, t), n.meet(w, i, t)); err != nil {
			return err
		}
	}
	return d.complete(ctx, e, int(all))
}

// ask times a bare query about a subscriber.
func (n *encounter) ask(w *strangers, t target) error {
	time.Sleep(apart / 2)
	took, err := w.ask(t.Prefix.Addr())
	n.answer = append(n.answer, milliseconds(took))
	return err
}

// meet times the first packet of a subscriber.
func (n *encounter) meet(w *strangers, i int, t target) error {
	time.Sleep(apart / 2)
	frame := w.frame(i, t)
	began := time.Now()
	if err := w.wires[t.Dev].Send(frame); err != nil {
		return err
	}
	err := w.monitor.await(t.Prefix, overdue)
	n.product = append(n.product, milliseconds(time.Since(began)))
	return err
}

func (n *encounter) result() result {
	const aim = 2.0
	show := func(s series) string { return fmt.Sprintf("%.2f ms, 99 %%: %.2f", s.median(), s.quantile(0.99)) }
	more := n.product.median() - n.answer.median()
	return result{
		what:      fmt.Sprintf("from an unknown source's first packet to its route, %d times", unheard),
		product:   show(n.product),
		yardstick: "answer " + show(n.answer),
		ratio:     fmt.Sprintf("%+.2f ms", more),
		aim:       fmt.Sprintf("%+.0f ms", aim),
		met:       verdict(more <= aim),
	}
}

// strangers are unknown subscribers, as far as the router sees of them, and a
// socket there that asks about them as the daemon does.
type strangers struct {
	wires   map[string]*lab.Wire // the far ends of the access links, by the router's interface
	macs    map[string]net.HardwareAddr
	sink    net.PacketConn // takes their packets at the server
	conn    net.PacketConn
	monitor *monitor
}

// sinkPort is where the packets go.
const sinkPort = 4001

func newStrangers(e *lab.Edge) (w *strangers, err error) {
	w = &strangers{wires: make(map[string]*lab.Wire), macs: make(map[string]net.HardwareAddr)}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	for _, a := range e.Access {
		if w.wires[a.Name], err = a.Subscribers.Wire("wan0"); err != nil {
			return w, err
		}
		if w.macs[a.Name], err = macOf(e.Router, a.Name); err != nil {
			return w, err
		}
	}
	if w.sink, err = e.Server.ListenPacket("udp6", netip.AddrPortFrom(lab.ServerAddress, sinkPort).String()); err != nil {
		return w, err
	}
	if w.conn, err = e.Router.ListenPacket("udp6", netip.AddrPortFrom(lab.RouterAddress, 0).String()); err != nil {
		return w, err
	}
	w.monitor, err = newMonitor(e.Router)
	return w, err
}

// macOf returns the link-layer address of an interface.
func macOf(n *lab.Namespace, dev string) (mac net.HardwareAddr, err error) {
	err = n.Do(func() error {
		link, err := net.InterfaceByName(dev)
		if err == nil {
			mac = link.HardwareAddr
		}
		return err
	})
	return mac, err
}

// frame is the first packet of the i-th stranger, whom a MAC address tells from
// the others.
func (w *strangers) frame(i int, t target) []byte {
	mac := net.HardwareAddr{2, 0xd1, 0, 0, byte(i >> 8), byte(i)}
	source, dest := netip.AddrPortFrom(t.Prefix.Addr().Next(), sinkPort), netip.AddrPortFrom(lab.ServerAddress, sinkPort)
	return lab.UDPFrame(w.macs[t.Dev], mac, source, dest, nil)
}

// ask asks the server about an address and returns how long its answer took.
func (w *strangers) ask(a netip.Addr) (time.Duration, error) {
	q := wire.Query{Type: wire.ByAddress, Address: a, Options: []uint16{wire.OptionRelayData}}
	id := wire.NewTransactionID()
	query, err := q.Append(nil, id, serverDUID, nil) // any DUID will do for a requestor
	if err != nil {
		return 0, err
	}
	if err := w.conn.SetDeadline(time.Now().Add(overdue)); err != nil {
		return 0, err
	}
	buffer := make([]byte, 2048)
	began := time.Now()
	if _, err := w.conn.WriteTo(query, udp(lab.ServerAddress, 547)); err != nil {
		return 0, err
	}
	size, _, err := w.conn.ReadFrom(buffer)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	m, err := wire.Parse(buffer[:size], 0)
	if err == nil && (m.ID != id || m.ClientDatas == 0) {
		err = fmt.Errorf("the server does not tell of %s", a)
	}
	return took, err
}

func (w *strangers) close() {
	for _, wire := range w.wires {
		if wire != nil {
			wire.Close()
		}
	}
	for _, c := range []net.PacketConn{w.sink, w.conn} {
		if c != nil {
			c.Close()
		}
	}
	if w.monitor != nil {
		w.monitor.close()
	}
}
