package gleaner

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/mdlayher/socket"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"leaseroute/binding"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A space is a network namespace of a test's own. Only handles and sockets are
// in there; the test's threads stay outside.
type space struct {
	t     *testing.T
	ns    netns.NsHandle
	links *netlink.Handle
}

func newSpace(t *testing.T) *space {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("LEASEROUTE_REQUIRE_ROOT") == "1" {
			t.Fatal("needs root, and LEASEROUTE_REQUIRE_ROOT=1 forbids to skip")
		}
		t.Skip("needs root")
	}
	runtime.LockOSThread() // a failure below leaves it locked, so that the thread dies
	home, err := netns.Get()
	must(t, err)
	ns, err := netns.New() // the thread is in ns from here
	must(t, err)
	must(t, netns.Set(home))
	must(t, home.Close())
	runtime.UnlockOSThread()
	links, err := netlink.NewHandleAt(ns)
	must(t, err)
	t.Cleanup(func() {
		links.Close()
		must(t, ns.Close())
	})
	return &space{t, ns, links}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A wire is a veth pair: name is the router's end, "far-" and name the other.
type wire struct {
	space *space
	near  Interface
	far   netlink.Link
	conn  *socket.Conn // sends frames from the far end
	mac   net.HardwareAddr
}

// wire makes a pair that is up. index is that of the near end; 0: any.
func (s *space) wire(name string, number binding.Interface, index int) *wire {
	s.t.Helper()
	attrs := netlink.LinkAttrs{Name: name, Index: index}
	must(s.t, s.links.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "far-" + name}))
	near, err := s.links.LinkByName(name)
	must(s.t, err)
	far, err := s.links.LinkByName("far-" + name)
	must(s.t, err)
	must(s.t, s.links.LinkSetUp(near))
	must(s.t, s.links.LinkSetUp(far))
	s.await(near.Attrs().Index, far.Attrs().Index)
	w := &wire{space: s, far: far, mac: near.Attrs().HardwareAddr, near: Interface{
		Name: name, Index: near.Attrs().Index, Number: number, Access: number != core, Core: number == core,
		Addresses: []netip.Prefix{netip.MustParsePrefix(bng0 + "/64")},
	}}
	w.conn = w.open(far.Attrs().Index)
	return w
}

// open returns a socket that sends frames out of an interface.
func (w *wire) open(index int) *socket.Conn {
	w.space.t.Helper()
	conn, err := socket.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0, "test", &socket.Config{NetNS: int(w.space.ns)})
	must(w.space.t, err)
	w.space.t.Cleanup(func() { must(w.space.t, conn.Close()) })
	must(w.space.t, conn.Bind(&unix.SockaddrLinklayer{Ifindex: index}))
	return conn
}

// send puts an IPv6 packet on the wire from the far end.
func (w *wire) send(data []byte) { w.sendTo(w.mac, data) }

func (w *wire) sendTo(mac net.HardwareAddr, data []byte) {
	w.space.t.Helper()
	_, err := w.conn.Write(cat(mac, []byte{2, 0, 0, 0, 1, 1}, be16(unix.ETH_P_IPV6), data))
	must(w.space.t, err)
}

// flap takes the near end down and up again.
func (w *wire) flap() {
	w.space.t.Helper()
	link, err := w.space.links.LinkByName(w.near.Name)
	must(w.space.t, err)
	must(w.space.t, w.space.links.LinkSetDown(link))
	must(w.space.t, w.space.links.LinkSetUp(link))
	w.space.await(w.near.Index, w.far.Attrs().Index)
}

// await returns when the links carry packets. The kernel lets an end send some
// time after the other came up, and drops without a word before.
func (s *space) await(indexes ...int) {
	s.t.Helper()
	updates, done := make(chan netlink.LinkUpdate), make(chan struct{})
	must(s.t, netlink.LinkSubscribeWithOptions(updates, done, netlink.LinkSubscribeOptions{Namespace: &s.ns, ListExisting: true}))
	up := make(map[int]bool)
	ready := func() bool {
		return !slices.ContainsFunc(indexes, func(i int) bool { return !up[i] })
	}
	for !ready() {
		u := <-updates
		up[u.Attrs().Index] = u.Attrs().OperState == netlink.OperUp
	}
	close(done)
	for range updates { // it is closed when the subscription's goroutines have ended
	}
}

func (w *wire) remove() {
	w.space.t.Helper()
	must(w.space.t, w.space.links.LinkDel(w.far))
}
