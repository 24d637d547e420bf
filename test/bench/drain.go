//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"golang.org/x/sys/unix"

	"leaseroute/lqclient/wire"
	"leaseroute/test/lab"
)

// drain asks for the leases of a relay, as the daemon does, and throws the
// answer away. It returns how long that took, connecting included.
func drain(ctx context.Context, e *lab.Edge, relayID []byte, want int) (time.Duration, error) {
	query := wire.Query{Type: wire.ByRelayID, RelayID: relayID}
	message, err := query.Append(nil, wire.NewTransactionID(), relayID, nil)
	if err != nil {
		return 0, err
	}
	frame, err := wire.AppendFrame(nil, message)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	conn, err := e.Router.DialContext(ctx, "tcp", netip.AddrPortFrom(lab.ServerAddress, 547).String())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write(frame); err != nil {
		return 0, err
	}
	got, err := discard(conn)
	if err == nil && got != want {
		err = fmt.Errorf("the drain got %d messages, want %d", got, want)
	}
	return time.Since(began), err
}

// discard reads an answer up to its end and counts the messages before that.
func discard(conn net.Conn) (messages int, err error) {
	const size, kind = 2, 2 // octets of the frame's header; where the type stands
	r := bufio.NewReaderSize(prompt{conn.(*net.TCPConn)}, 256<<10)
	for ; ; messages++ {
		head, err := r.Peek(size + 1)
		if err != nil {
			return messages, fmt.Errorf("drain: %w", err)
		}
		if head[kind] == byte(dhcpv6.MessageTypeLeaseQueryDone) {
			return messages, nil
		}
		if _, err := r.Discard(size + int(binary.BigEndian.Uint16(head))); err != nil {
			return messages, fmt.Errorf("drain: %w", err)
		}
	}
}

// prompt acknowledges at once what it has read, as the daemon does: a server
// that writes in small pieces waits for that.
type prompt struct{ *net.TCPConn }

func (p prompt) Read(b []byte) (int, error) {
	n, err := p.TCPConn.Read(b)
	if raw, failed := p.SyscallConn(); failed == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
	return n, err
}
