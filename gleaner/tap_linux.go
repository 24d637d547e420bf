package gleaner

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/mdlayher/socket"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A tap is one AF_PACKET socket on one interface (ONDEMAND.md 6).
type tap struct {
	conn   *socket.Conn
	index  int
	name   string
	chunks *chunks
	stats  *counters
	oob    []byte // room for the auxiliary data of one packet

	cancel context.CancelFunc // ends run
	down   atomic.Bool        // the interface was down at least once: it may be gone
	dead   atomic.Bool        // run has ended
}

// openTap opens a socket. The filter is there before the socket is bound, so
// that nothing unfiltered is queued: until then its protocol is 0.
func openTap(i *Interface, c *capture) (*tap, error) {
	var config *socket.Config
	if c.space != 0 {
		config = &socket.Config{NetNS: c.space}
	}
	conn, err := socket.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, 0, "packet", config)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	t := &tap{
		conn: conn, index: i.Index, name: i.Name, chunks: c.chunks, stats: c.stats,
		oob: make([]byte, unix.CmsgSpace(auxdataSize)),
	}
	if err := t.setUp(c.opts); err != nil {
		return nil, errors.Join(fmt.Errorf("watch %s: %w", i.Name, err), conn.Close())
	}
	return t, nil
}

const auxdataSize = int(unsafe.Sizeof(unix.TpacketAuxdata{}))

func (t *tap) setUp(o *Options) error {
	program, err := filter()
	if err != nil {
		return err
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("assemble filter: %w", err)
	}
	if err := t.conn.SetBPF(raw); err != nil {
		return fmt.Errorf("attach filter: %w", err)
	}
	if err := t.conn.SetsockoptInt(unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
		return fmt.Errorf("ask for auxiliary data: %w", err)
	}
	if !o.Outgoing {
		if err := t.conn.SetsockoptInt(unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return fmt.Errorf("ignore outgoing packets: %w", err)
		}
	}
	// With CAP_NET_ADMIN the system's limit does not count.
	if err := t.conn.SetReadBuffer(o.Buffer); err != nil {
		return fmt.Errorf("set receive buffer: %w", err)
	}
	address := &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: t.index}
	if err := t.conn.Bind(address); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	return nil
}

func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16([]byte{byte(v >> 8), byte(v)})
}

// buffer returns the size of the receive buffer that the kernel granted. It
// counts its own overhead, for which it doubles what it is asked for.
func (t *tap) buffer() (int, error) {
	n, err := t.conn.ReadBuffer()
	return n / 2, err
}

// attached reports whether the socket is still bound to its interface: once
// that is gone it never hears of another with the same index.
func (t *tap) attached() bool {
	if t.dead.Load() {
		return false
	}
	if !t.down.Load() {
		return true
	}
	address, err := t.conn.Getsockname()
	if err != nil {
		return false
	}
	l, ok := address.(*unix.SockaddrLinklayer)
	return ok && l.Ifindex == t.index
}

// run reads until ctx has ended, or the socket fails, and closes it.
func (t *tap) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = t.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	err := t.read(ctx)
	if ctx.Err() != nil {
		err = nil
	}
	t.dead.Store(true)
	t.tally()
	return errors.Join(err, t.conn.Close())
}

func (t *tap) read(ctx context.Context) error {
	raw, err := t.conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	for ctx.Err() == nil {
		var k *chunk
		var fault error
		err := raw.Read(func(fd uintptr) bool {
			k, fault = t.fill(ctx, int(fd))
			return k != nil || fault != nil || ctx.Err() != nil
		})
		if k != nil {
			t.chunks.give(k)
		}
		if err := errors.Join(err, fault); err != nil {
			return fmt.Errorf("read packets of %s: %w", t.name, err)
		}
	}
	return nil
}

// fill reads what is there into a chunk. It returns nil if there is nothing:
// the chunk is needed by others then.
func (t *tap) fill(ctx context.Context, fd int) (*chunk, error) {
	k := t.chunks.take(ctx)
	if k == nil {
		return nil, nil
	}
	err := t.drain(fd, k)
	if len(k.packets) == 0 {
		t.chunks.put(k)
		k = nil
	}
	return k, err
}

// drain reads packets until there are no more or the chunk is full. That the
// interface went down is told once, and is no fault.
func (t *tap) drain(fd int, k *chunk) error {
	for room := k.room(); room != nil; room = k.room() {
		p, err := t.receive(fd, room)
		switch {
		case err == nil:
			k.add(p)
			t.stats.count(received)
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENETDOWN):
			t.down.Store(true)
		default:
			return err
		}
	}
	return nil
}

// receive reads one packet. It is stamped as it leaves the socket (R72).
func (t *tap) receive(fd int, room []byte) (packet, error) {
	n, oobn, _, from, err := unix.Recvmsg(fd, room, t.oob, unix.MSG_TRUNC|unix.MSG_DONTWAIT)
	if err != nil {
		return packet{}, err
	}
	p := packet{
		data:       room[:min(n, len(room))],
		index:      t.index,
		unfinished: unfinished(t.oob[:oobn]),
		truncated:  n > len(room),
		at:         time.Now(),
	}
	if l, ok := from.(*unix.SockaddrLinklayer); ok {
		p.outgoing = l.Pkttype == unix.PACKET_OUTGOING
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

// tally adds what the kernel dropped since it was last asked.
func (t *tap) tally() {
	s, err := t.conn.GetsockoptTpacketStats(unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err == nil { // a socket that is closed has been counted
		t.stats[kernelDropped].Add(uint64(s.Drops))
	}
}
