package ondemand

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/vishvananda/netns"

	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// patience bounds waits for what should happen at once.
const patience = 20 * time.Second

// A site is an edge with two access links, whose router has a covering route
// for the delegated prefixes.
type site struct {
	*lab.Edge
	t     testing.TB
	space netns.NsHandle // the router's
	ports map[string]*port
	sink  net.PacketConn // takes the datagrams at the server, which else answers them
	marks uint32
}

// A port is one of the router's interfaces, and the far end of its link.
type port struct {
	*lab.Wire
	index int
	mac   net.HardwareAddr
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{Edge: labtest.NewEdge(t, 2), t: t, ports: make(map[string]*port)}
	var err error
	s.space, err = netns.GetFromName(s.Router.Name)
	must(t, err)
	t.Cleanup(func() { s.space.Close() })
	s.sink, err = s.Server.ListenPacket("udp", "[::]:4001")
	must(t, err)
	t.Cleanup(func() { s.sink.Close() })
	s.connect("acc0", s.Access[0].Subscribers, "wan0")
	s.connect("acc1", s.Access[1].Subscribers, "wan0")
	s.connect("core0", s.Server, "core0")
	s.route("add blackhole %s proto 158 metric 4096", lab.Delegated)
	return s
}

// connect opens the far end of one of the router's links.
func (s *site) connect(name string, far *lab.Namespace, dev string) {
	s.t.Helper()
	p := &port{}
	for _, l := range s.links() {
		if l.Name == name {
			p.index, p.mac = l.Index, l.HardwareAddr
		}
	}
	var err error
	p.Wire, err = far.Wire(dev)
	must(s.t, err)
	s.t.Cleanup(func() { must(s.t, p.Close()) })
	s.ports[name] = p
}

// route changes a route of the router's.
func (s *site) route(format string, args ...any) {
	s.t.Helper()
	must(s.t, s.Router.IP(s.t.Context(), "route "+fmt.Sprintf(format, args...)))
}

// links are the router's interfaces.
func (s *site) links() (links []net.Interface) {
	s.t.Helper()
	must(s.t, s.Router.Do(func() (err error) {
		links, err = net.Interfaces()
		return err
	}))
	return links
}

// interfaces are the router's, as the agent would tell of them.
func (s *site) interfaces() (out []Interface) {
	for _, l := range s.links() {
		i := Interface{Name: l.Name}
		var addresses []net.Addr
		must(s.t, s.Router.Do(func() (err error) {
			addresses, err = l.Addrs()
			return err
		}))
		for _, a := range addresses {
			i.Addresses = append(i.Addresses, netip.MustParsePrefix(a.String()))
		}
		out = append(out, i)
	}
	return out
}

// options are what most tests detect with: buckets that no test empties
// by accident.
func (s *site) options() Options {
	log := logrus.New()
	log.SetOutput(s.t.Output())
	much := Rate{10_000, 10_000}
	return Options{
		Access: []string{"acc*"}, Core: []string{"core0"},
		Interfaces: s.interfaces,
		Blocks:     []netip.Prefix{lab.Delegated},
		Mask6:      56,
		Rates:      Rates{MAC: much, First: much, Second: much, Candidates: much, Destinations: much, Total: much},
		Pend:       time.Minute,
		Log:        logrus.NewEntry(log),
	}
}

// A watch is a detector that runs.
type watch struct {
	*NFT
	*site
	out     chan Unknown
	changed chan struct{}
	stop    func() error
}

// watch runs a detector in the router until stop, or the test's end.
func (s *site) watch(change func(*Options)) *watch {
	s.t.Helper()
	w := &watch{site: s, out: make(chan Unknown, 4096), changed: make(chan struct{})}
	o := s.options()
	o.Changed = w.changed
	if change != nil {
		change(&o)
	}
	w.NFT = NewNFT(o)
	w.kern.space = int(s.space)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx, w.out) }()
	w.stop = sync.OnceValue(func() error { cancel(); return <-done })
	s.t.Cleanup(func() { must(s.t, w.stop()) })
	select {
	case <-w.Ready():
	case err := <-done:
		s.t.Fatal("Run =", err)
	}
	return w
}

// update says that interfaces changed, and returns when the detector has
// followed: it takes the second word only after it is done with the first.
func (w *watch) update() {
	w.changed <- struct{}{}
	w.changed <- struct{}{}
}

// hostMAC is a sender's address.
func hostMAC(n uint32) net.HardwareAddr {
	return binary.BigEndian.AppendUint32(net.HardwareAddr{2, 0}, n)
}

// send sends a packet to the router over the link of one of its interfaces.
func (s *site) send(dev, source, dest string) {
	s.t.Helper()
	s.sendFrom(dev, hostMAC(1), source, dest)
}

func (s *site) sendFrom(dev string, mac net.HardwareAddr, source, dest string) {
	s.t.Helper()
	must(s.t, s.ports[dev].Send(s.frame(dev, mac, netip.MustParseAddr(source), netip.MustParseAddr(dest), nil)))
}

func (s *site) frame(dev string, mac net.HardwareAddr, source, dest netip.Addr, payload []byte) []byte {
	return lab.UDPFrame(s.ports[dev].mac, mac, netip.AddrPortFrom(source, 4000), netip.AddrPortFrom(dest, 4001), payload)
}

// prefixed is an address in the n-th /56 of those that tests do not use.
func prefixed(n uint32) netip.Addr {
	b := lab.Delegated.Addr().As16()
	b[4] |= 0x40
	b[4], b[5], b[6] = b[4]|byte(n>>16&0x3f), byte(n>>8), byte(n)
	b[15] = 1
	return netip.AddrFrom16(b)
}

// settle sends a marker over a link and returns what was reported before it:
// whatever was sent there earlier has met its fate then.
func (w *watch) settle(dev string) (seen []Unknown) {
	w.t.Helper()
	w.marks++
	mark := prefixed(w.marks)
	if dev == "core0" {
		w.send(dev, lab.ServerAddress.String(), mark.String())
	} else {
		w.sendFrom(dev, hostMAC(0xff000000|w.marks), mark.String(), lab.ServerAddress.String())
	}
	for {
		u := w.next()
		if u.Address == mark {
			return seen
		}
		seen = append(seen, u)
	}
}

// next returns the next report.
func (w *watch) next() Unknown {
	w.t.Helper()
	select {
	case u := <-w.out:
		return u
	case <-time.After(patience):
		w.t.Fatalf("nothing was reported; counters: %v", w.Stats())
		panic("unreachable")
	}
}

// silent fails the test if something was reported before a marker.
func (w *watch) silent(dev, why string) {
	w.t.Helper()
	if seen := w.settle(dev); seen != nil {
		w.t.Errorf("%s: got %v, want nothing", why, seen)
	}
}

// reported fails the test if what was reported before a marker is not one
// packet.
func (w *watch) reported(dev string, address string, source bool) {
	w.t.Helper()
	want := Unknown{Address: netip.MustParseAddr(address), Source: source, Interface: w.ports[dev].index, MAC: hostMAC(1)}
	seen := w.settle(dev)
	if len(seen) != 1 || seen[0].String() != want.String() {
		w.t.Errorf("got %v, want %v", seen, want)
	}
}

// String renders all of u.
func (u Unknown) String() string {
	return fmt.Sprintf("%s source %t by %d from %s", u.Address, u.Source, u.Interface, u.MAC)
}

// await waits until a counter has a value, or more.
func (w *watch) await(name string, want uint64) {
	w.t.Helper()
	for began := time.Now(); w.Stats()[name] < want; {
		if time.Since(began) > patience {
			w.t.Fatalf("%s is not %d; counters: %v", name, want, w.Stats())
		}
	}
}

// counted fails the test if a counter has not a value.
func (w *watch) counted(name string, want uint64) {
	w.t.Helper()
	if got := w.Stats()[name]; got != want {
		w.t.Errorf("%s is %d, want %d", name, got, want)
	}
}

// tables lists the nftables tables of the router.
func (s *site) tables() (names []string) {
	s.t.Helper()
	c, err := kernel{int(s.space)}.conn()
	must(s.t, err)
	tables, err := c.ListTables()
	must(s.t, err)
	for _, t := range tables {
		names = append(names, t.Name)
	}
	return names
}

// arrived returns what the next datagram at the server says.
func (s *site) arrived() string {
	s.t.Helper()
	must(s.t, s.sink.SetReadDeadline(time.Now().Add(patience)))
	b := make([]byte, 100)
	n, _, err := s.sink.ReadFrom(b)
	must(s.t, err)
	return string(b[:n])
}
