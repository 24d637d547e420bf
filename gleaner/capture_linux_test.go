package gleaner

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mdlayher/socket"
	"github.com/sirupsen/logrus"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"leaseroute/binding"
)

// A station is a gleaner that runs in a space.
type station struct {
	*Gleaner
	t       *testing.T
	out     chan *binding.Batch
	changed chan struct{}
	links   atomic.Pointer[[]Interface]
	markers uint32
}

// station runs a gleaner on the wires until the test ends.
func (s *space) station(change func(*Options), wires ...*wire) *station {
	s.t.Helper()
	st := &station{t: s.t, out: make(chan *binding.Batch), changed: make(chan struct{})}
	st.show(wires...)
	log := logrus.New()
	log.SetOutput(io.Discard)
	o := Options{
		Servers:    newBench(nil).opts.Servers,
		Interfaces: func() []Interface { return append([]Interface(nil), *st.links.Load()...) },
		Changed:    st.changed,
		Out:        st.out,
		Log:        logrus.NewEntry(log),
	}
	if change != nil {
		change(&o)
	}
	st.Gleaner = New(o)
	st.capture.space = int(s.ns)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- st.Run(ctx) }()
	<-st.Ready()
	s.t.Cleanup(func() {
		cancel()
		must(s.t, <-done)
	})
	return st
}

func (st *station) show(wires ...*wire) {
	list := make([]Interface, len(wires))
	for i, w := range wires {
		list[i] = w.near
	}
	st.links.Store(&list)
}

// update says that the interfaces changed, and returns when the gleaner has
// followed: it takes the second word only after it is done with the first.
func (st *station) update(wires ...*wire) {
	st.show(wires...)
	st.changed <- struct{}{}
	st.changed <- struct{}{}
}

// marker returns a Release of the second client that no other is like, and
// whether an observation is of it.
func (st *station) marker() ([]byte, func(binding.Observation) bool) {
	st.markers++
	id := 0x70000000 + st.markers
	data := dhcp(release, id, clientID(duid2), serverID(dhcpd), iaPD(id, prefix("2001:db8:ffff:fff0::/60", 0, 0)))
	return udp6(cpe2, allRelays, portClient, portServer, data),
		func(o binding.Observation) bool { return o.IAID == id }
}

// settle sends a marker and returns what was learnt before it came through:
// whatever was sent on this wire earlier has met its fate then.
func (st *station) settle(w *wire) (seen []string) {
	st.t.Helper()
	data, mine := st.marker()
	w.send(data)
	return st.collect(w, mine)
}

func (st *station) collect(w *wire, mine func(binding.Observation) bool) (seen []string) {
	st.t.Helper()
	for {
		batch := <-st.out
		for _, o := range batch.Observations {
			if mine(o) {
				if o.Interface != w.near.Number {
					st.t.Errorf("marker on %s is seen on %s", w.near.Name, names[o.Interface])
				}
				batch.Free()
				return seen
			}
			seen = append(seen, o.Key.Prefix.String()+" "+names[o.Interface]+" "+o.NextHop.String())
		}
		batch.Free()
	}
}

func (st *station) count(c counter) uint64 { return st.Stats().values[c] }

func (st *station) counted(c counter, n uint64) {
	st.t.Helper()
	if got := st.count(c); got != n {
		st.t.Errorf("%s is %d, want %d", counterNames[c], got, n)
	}
}

func TestCaptureLearns(t *testing.T) {
	s := newSpace(t)
	access, up := s.wire("acc0", acc0, 0), s.wire("core0", core, 0)
	st := s.station(nil, access, up)
	access.send(ask1)
	up.send(answer1)
	if seen := st.settle(access); len(seen) != 1 || seen[0] != "2001:db8:8000::/50 acc0 fe80::c1" {
		t.Errorf("L16: got %q", seen)
	}
	st.counted(received, 3)
	st.counted(interfaces, 2)
	st.counted(kernelDropped, 0)
}

func TestCaptureTakesWhatItShould(t *testing.T) {
	s := newSpace(t)
	w := s.wire("acc0", acc0, 0)
	st := s.station(nil, w)
	tests := []struct {
		name string
		data []byte
		fate counter
	}{
		{"extension header", ip6(cpe1, allRelays, 0, cat(extension(17, 8), ask1[header6:])), opened},
		{"two extension headers", ip6(cpe1, allRelays, 60, cat(extension(43, 8), extension(17, 16), ask1[header6:])), opened},
		{"fragment", ip6(cpe1, allRelays, 44, cat(extension(17, 8, 0, 1), ask1[header6:])), fragments},
		{"wrong checksum", cat(ask1[:header6+6], []byte{1, 1}, ask1[header6+8:]), badChecksum},
		{"octets behind the datagram", ip6(cpe1, allRelays, 17, cat(ask1[header6:], []byte{0})), malformedUDP},
		{"forged Relay-reply", answer1, wrongInterface},
	}
	for _, tt := range tests {
		t.Run("ONDEMAND 6: "+tt.name, func(t *testing.T) {
			before := st.count(tt.fate)
			w.send(tt.data)
			if seen := st.settle(w); seen != nil {
				t.Errorf("it taught %v", seen)
			}
			st.counted(tt.fate, before+1)
		})
	}
	t.Run("ONDEMAND 6: not what the filter stops", func(t *testing.T) {
		before := st.count(received)
		w.sendTo(net.HardwareAddr{2, 9, 9, 9, 9, 9}, ask1)
		w.send(udp6(cpe1, allRelays, 546, 53, []byte("x")))
		w.send(ip6(cpe1, allRelays, 44, cat(extension(17, 8, 0, 8), ask1[header6:])))
		st.settle(w)
		st.counted(received, before+1)
	})
}

// The kernel leaves the checksum of what it sends to the network card, and
// there is none.
func TestCaptureTakesUnfinishedChecksums(t *testing.T) {
	s := newSpace(t)
	w := s.wire("acc0", acc0, 0)
	address := netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(cpe1), Mask: net.CIDRMask(64, 128)}, Flags: unix.IFA_F_NODAD}
	must(t, s.links.AddrAdd(w.far, &address))
	st := s.station(nil, w)
	conn, err := socket.Socket(unix.AF_INET6, unix.SOCK_DGRAM, 0, "udp", &socket.Config{NetNS: int(s.ns)})
	must(t, err)
	defer conn.Close()
	must(t, conn.Bind(&unix.SockaddrInet6{Port: portClient, Addr: [16]byte(addr(cpe1)), ZoneId: uint32(w.far.Attrs().Index)}))
	data, mine := st.marker()
	to := &unix.SockaddrInet6{Port: portServer, Addr: [16]byte(addr(allRelays)), ZoneId: uint32(w.far.Attrs().Index)}
	must(t, conn.Sendto(t.Context(), data[header6+headerUDP:], 0, to))
	st.collect(w, mine)
	st.counted(badChecksum, 0)
	st.counted(released, 1)
}

// However close the Reply comes upon the Request, and on whichever interface,
// it is judged after it.
func TestCaptureKeepsOrder(t *testing.T) {
	s := newSpace(t)
	access, up := s.wire("acc0", acc0, 0), s.wire("core0", core, 0)
	st := s.station(nil, access, up)
	const exchanges = 500 // fit the buffer
	for xid := range uint32(exchanges) {
		access.send(fromCPE(renew, xid, lease1))
		up.send(toCPE(reply, xid, lease1))
	}
	if seen := st.settle(access); len(seen) != exchanges {
		t.Errorf("L16: %d of %d Replies taught", len(seen), exchanges)
	}
	st.counted(unmatched, 0)
}

func TestCaptureFollowsInterfaces(t *testing.T) {
	s := newSpace(t)
	first := s.wire("acc0", acc0, 0)
	st := s.station(nil, first)
	st.settle(first)

	later := s.wire("acc1", acc1, 0)
	later.send(ask1) // is none of ours yet
	st.settle(first)
	st.counted(unknownInterface, 1)
	st.update(first, later)
	st.counted(interfaces, 2)
	st.settle(later)

	later.remove()
	st.update(first)
	st.counted(interfaces, 1)
	later = s.wire("acc1", acc1, 0)
	st.update(first, later)
	st.settle(later)

	first.flap()
	st.settle(first)
	st.settle(later)
}

func TestCaptureWatchesWhatLeaves(t *testing.T) {
	s := newSpace(t)
	for _, outgoing := range []bool{false, true} {
		w := s.wire("acc0", acc0, 0)
		st := s.station(func(o *Options) { o.Outgoing = outgoing }, w)
		near := *w
		near.conn, near.mac = w.open(w.near.Index), w.far.Attrs().HardwareAddr
		near.send(ask1)
		st.settle(w)
		st.counted(egress, map[bool]uint64{true: 1}[outgoing])
		w.remove()
	}
}

// Nobody takes what is learnt: the readers wait, and Run can be ended still.
func TestCaptureWaits(t *testing.T) {
	s := newSpace(t)
	w := s.wire("acc0", acc0, 0)
	st := s.station(nil, w)
	data, _ := st.marker()
	for st.count(queueFull) == 0 {
		w.send(data)
	}
}

func TestCaptureWhenChangesEnd(t *testing.T) {
	s := newSpace(t)
	w := s.wire("acc0", acc0, 0)
	st := s.station(nil, w)
	close(st.changed)
	st.settle(w)
}

// The kernel has a limit even for those who may go beyond the system's.
func TestCaptureTellsOfSmallBuffer(t *testing.T) {
	s := newSpace(t)
	var said strings.Builder
	st := s.station(func(o *Options) {
		o.Buffer = 1<<30 + 1
		o.Log.Logger.SetOutput(&said)
	})
	st.counted(interfaces, 0)
	if n := strings.Count(said.String(), "buffer=1073741823"); n != 1 {
		t.Errorf("ONDEMAND 8: it was said %d times:\n%s", n, &said)
	}
}

// What the kernel drops is counted: nothing is lost without a number.
func TestCaptureCountsLosses(t *testing.T) {
	s := newSpace(t)
	w := s.wire("acc0", acc0, 0)
	log := logrus.New()
	log.SetOutput(io.Discard)
	var stats counters
	c := newCapture(&Options{Buffer: 1, Log: logrus.NewEntry(log)}, newChunks(&stats), &stats)
	c.space = int(s.ns)
	conn, err := c.open()
	must(t, err)
	c.conn.Store(conn)
	const sent = 2000
	for range sent {
		w.send(ask1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.read(ctx, conn) }()
	for stats[received].Load()+stats[kernelDropped].Load() < sent {
		k := <-c.chunks.full
		c.chunks.put(k)
		c.tally()
	}
	cancel()
	must(t, conn.SetReadDeadline(time.Unix(1, 0)))
	if err := <-done; err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	if got := stats[received].Load() + stats[kernelDropped].Load(); got != sent || stats[kernelDropped].Load() == 0 {
		t.Errorf("%d received, %d dropped of %d", stats[received].Load(), stats[kernelDropped].Load(), sent)
	}
	must(t, conn.Close())
	c.tally() // of a socket that is closed
}
