//go:build linux

package lab

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"
	"unsafe"

	"github.com/mdlayher/socket"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// A Capture sees the IPv6 packets that come into a namespace, leave it or pass
// through it, as a packet analyser does: one that is forwarded is seen twice.
// It is for one goroutine at a time.
type Capture struct {
	space *Namespace
	conn  *socket.Conn
	names map[int]string
}

// A Packet is one that a Capture saw.
type Packet struct {
	At           time.Time // by the kernel's clock, when it passed
	Dev          string    // the interface
	Outgoing     bool      // it left by it; else it came in
	Source, Dest netip.Addr
	Protocol     int    // of what is behind the IPv6 header
	Payload      []byte // that
}

// Capture begins to see what passes. Interfaces that are made later have no
// names in it.
func (n *Namespace) Capture() (*Capture, error) {
	c := &Capture{space: n, names: make(map[int]string)}
	if err := c.open(); err != nil {
		return nil, fmt.Errorf("capture in %s: %w", n.Name, err)
	}
	return c, nil
}

func (c *Capture) open() (err error) {
	err = c.space.Do(func() error {
		links, err := net.Interfaces()
		for _, l := range links {
			c.names[l.Index] = l.Name
		}
		return err
	})
	if err != nil {
		return err
	}
	everything := int(binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})) // in network order
	if c.conn, err = socket.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, everything, "packet", &socket.Config{NetNS: int(c.space.space)}); err != nil {
		return err
	}
	if err := c.conn.SetsockoptInt(unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		c.conn.Close()
		return err
	}
	return nil
}

// Next returns the next packet. It is an error if ctx ends before.
func (c *Capture) Next(ctx context.Context) (Packet, error) {
	buffer := make([]byte, 64<<10)
	oob := make([]byte, unix.CmsgSpace(int(unsafe.Sizeof(unix.Timespec{}))))
	for {
		size, oobn, _, from, err := c.conn.Recvmsg(ctx, buffer, oob, 0)
		if err != nil {
			return Packet{}, fmt.Errorf("capture in %s: %w", c.space.Name, err)
		}
		b := buffer[:size]
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok || size < ipv6.HeaderLen || b[0]>>4 != ipv6.Version {
			continue
		}
		header, err := ipv6.ParseHeader(b)
		if err != nil {
			continue
		}
		source, _ := netip.AddrFromSlice(header.Src)
		dest, _ := netip.AddrFromSlice(header.Dst)
		return Packet{
			At: stampOf(oob[:oobn]), Dev: c.names[link.Ifindex], Outgoing: link.Pkttype == unix.PACKET_OUTGOING,
			Source: source, Dest: dest, Protocol: header.NextHeader, Payload: b[ipv6.HeaderLen:],
		}, nil
	}
}

// stampOf reads the kernel's timestamp.
func stampOf(oob []byte) time.Time {
	_, data, _, err := unix.ParseOneSocketControlMessage(oob)
	if err != nil || len(data) < int(unsafe.Sizeof(unix.Timespec{})) {
		return time.Time{}
	}
	return time.Unix((*unix.Timespec)(unsafe.Pointer(&data[0])).Unix())
}

// Close ends it.
func (c *Capture) Close() error { return c.conn.Close() }
