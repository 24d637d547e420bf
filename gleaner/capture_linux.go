package gleaner

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/mdlayher/socket"
	"github.com/sirupsen/logrus"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A capture reads DHCP packets from one AF_PACKET socket on all interfaces.
//
// It is one socket for the sake of order: the kernel queues a client's message
// before any relay sees it, and so before the Reply to it. With a socket for
// each interface a Reply was often read before its Request, and was lost for
// us. A socket on all interfaces also misses nothing on one that has just come
// up, and thousands of PPP sessions cost no descriptors. The price is that
// packets of interfaces that are none of our business pass the filter too:
// some 100 ns each, where a tap on one interface costs that one's some 60 ns
// (ONDEMAND.md 3.5).
type capture struct {
	opts   *Options
	space  int // network namespace, a descriptor; 0: our own
	chunks *chunks
	stats  *counters
	oob    []byte // room for the auxiliary data of one packet

	conn  atomic.Pointer[socket.Conn] // nil until it is bound; for tally, too
	ready chan struct{}               // closed once it is bound
}

func newCapture(o *Options, c *chunks, stats *counters) *capture {
	return &capture{
		opts: o, chunks: c, stats: stats,
		oob:   make([]byte, unix.CmsgSpace(int(unsafe.Sizeof(unix.TpacketAuxdata{})))),
		ready: make(chan struct{}),
	}
}

// run reads until ctx ends, and then returns nil.
func (c *capture) run(ctx context.Context) error {
	conn, err := c.open()
	if err != nil {
		return err
	}
	c.conn.Store(conn)
	close(c.ready)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	err = c.read(ctx, conn)
	if ctx.Err() != nil {
		err = nil
	}
	c.tally()
	return errors.Join(err, conn.Close())
}

// open opens the socket. Its protocol is 0 until it is bound, and the filter is
// there before, so that nothing unfiltered is queued.
func (c *capture) open() (*socket.Conn, error) {
	var config *socket.Config
	if c.space != 0 {
		config = &socket.Config{NetNS: c.space}
	}
	conn, err := socket.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, 0, "packet", config)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	if err := c.setUp(conn); err != nil {
		return nil, errors.Join(fmt.Errorf("set up packet socket: %w", err), conn.Close())
	}
	return conn, nil
}

func (c *capture) setUp(conn *socket.Conn) error {
	program, err := filter()
	if err != nil {
		return err
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("assemble filter: %w", err)
	}
	if err := conn.SetBPF(raw); err != nil {
		return fmt.Errorf("attach filter: %w", err)
	}
	if err := conn.SetsockoptInt(unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
		return fmt.Errorf("ask for auxiliary data: %w", err)
	}
	if !c.opts.Outgoing {
		if err := conn.SetsockoptInt(unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return fmt.Errorf("ignore outgoing packets: %w", err)
		}
	}
	if err := c.setBuffer(conn); err != nil {
		return err
	}
	// Not ETH_P_IPV6: handlers of one protocol run after the stack's own, and
	// cost every IPv6 packet a copy (ONDEMAND.md 3.5).
	if err := conn.Bind(&unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL)}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	return nil
}

// setBuffer asks for the receive buffer, beyond the system's limit if we may,
// and says so if it got less. The kernel doubles what it is asked for, to make
// room for its own.
func (c *capture) setBuffer(conn *socket.Conn) error {
	if err := conn.SetReadBuffer(c.opts.Buffer); err != nil {
		return fmt.Errorf("set receive buffer: %w", err)
	}
	size, err := conn.ReadBuffer()
	if err != nil {
		return fmt.Errorf("read size of receive buffer: %w", err)
	}
	if size /= 2; size < c.opts.Buffer {
		c.opts.Log.WithFields(logrus.Fields{"buffer": size, "wanted": c.opts.Buffer}).
			Warn("receive buffer is smaller than wished: CAP_NET_ADMIN is missing and net.core.rmem_max is low")
	}
	return nil
}

func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16([]byte{byte(v >> 8), byte(v)})
}

// read hands packets to the decoder, as many at once as are there.
func (c *capture) read(ctx context.Context, conn syscall.Conn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("read packets: %w", err)
	}
	for k := c.chunks.take(ctx); k != nil; k = c.chunks.take(ctx) {
		var fault error
		err := raw.Read(func(fd uintptr) bool {
			fault = c.drain(int(fd), k)
			return len(k.packets) > 0 || fault != nil
		})
		if err := errors.Join(err, fault); err != nil {
			return fmt.Errorf("read packets: %w", err)
		}
		c.chunks.give(k)
	}
	return nil
}

// drain reads packets until there are no more or the chunk is full.
func (c *capture) drain(fd int, k *chunk) error {
	for room := k.room(); room != nil; room = k.room() {
		p, err := c.receive(fd, room)
		switch {
		case err == nil:
			k.add(p)
			c.stats.count(received)
		case errors.Is(err, unix.EAGAIN):
			return nil
		case !errors.Is(err, unix.EINTR):
			return err
		}
	}
	return nil
}

// receive reads one packet. It is stamped as it leaves the socket (R72).
func (c *capture) receive(fd int, room []byte) (packet, error) {
	n, oobn, _, from, err := unix.Recvmsg(fd, room, c.oob, unix.MSG_TRUNC|unix.MSG_DONTWAIT)
	if err != nil {
		return packet{}, err
	}
	p := packet{
		data:       room[:min(n, len(room))],
		unfinished: unfinished(c.oob[:oobn]),
		truncated:  n > len(room),
		at:         time.Now(),
	}
	if l, ok := from.(*unix.SockaddrLinklayer); ok {
		p.index, p.outgoing = l.Ifindex, l.Pkttype == unix.PACKET_OUTGOING
	}
	return p, nil
}

// unfinished reads from the auxiliary data whether the UDP checksum need not
// be checked: it is not filled in yet, or the kernel has checked it.
func unfinished(oob []byte) bool {
	header, data, _, err := unix.ParseOneSocketControlMessage(oob)
	if err != nil || header.Level != unix.SOL_PACKET || header.Type != unix.PACKET_AUXDATA || len(data) < 4 {
		return false
	}
	status := binary.NativeEndian.Uint32(data)
	return status&(unix.TP_STATUS_CSUMNOTREADY|unix.TP_STATUS_CSUM_VALID) != 0
}

// tally adds what the kernel dropped since it was last asked. Any goroutine may
// call it.
func (c *capture) tally() {
	conn := c.conn.Load()
	if conn == nil {
		return
	}
	s, err := conn.GetsockoptTpacketStats(unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err == nil { // once it is closed everything has been counted
		c.stats[kernelDropped].Add(uint64(s.Drops))
	}
}
