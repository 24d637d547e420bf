//go:build linux

package lab_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// The codes of RFC 5007 and RFC 5460 that the drain needs.
const (
	msgLeasequery, msgReply, msgDone = 14, 15, 16
	msgData                          = 17

	optClientID, optIAAddr, optStatus, optIAPrefix = 1, 5, 13, 26
	optQuery, optClientData, optCLT                = 44, 45, 46

	byAddress, byRelayID, byLink, byRemoteID = 1, 3, 4, 5
)

// An answer is one lease as the server reports it.
type answer struct {
	prefix           netip.Prefix
	preferred, valid uint32
	clt              uint32 // seconds since the client was heard
}

// doubtful reports what can't be told from a lease that has run out.
func (a answer) doubtful() bool { return a.clt >= a.valid }

// An asker is the smallest requestor that can be: one query at a time, and the
// whole answer read. It shares nothing with the product, so that a test with
// it says what the server does.
type asker struct {
	conn net.Conn
	xid  uint32
}

func option(code uint16, value ...[]byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, code)
	b = append(b, 0, 0)
	for _, v := range value {
		b = append(b, v...)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-4))
	return b
}

// ask sends a query and returns all bindings of the answer, and its status.
func (a *asker) ask(kind byte, link netip.Addr, options []byte) ([]answer, int, error) {
	a.xid++
	l := link.As16()
	m := binary.BigEndian.AppendUint32(nil, a.xid)
	m[0] = msgLeasequery
	m = append(m, option(optClientID, []byte{0, 3, 0, 1, 0xfe, 0xfe, 0xfe, 0, 0, 1})...)
	m = append(m, option(optQuery, []byte{kind}, l[:], options)...)
	if _, err := a.conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)); err != nil {
		return nil, 0, err
	}
	return a.read()
}

// read reads messages up to the end of the answer.
func (a *asker) read() (found []answer, status int, err error) {
	for {
		m, err := a.message()
		if err != nil {
			return found, status, fmt.Errorf("after %d bindings: %w", len(found), err)
		}
		data := false
		err = eachOption(m[4:], func(code uint16, value []byte) error {
			switch code {
			case optStatus:
				status = int(binary.BigEndian.Uint16(value))
			case optClientData:
				data = true
				b, err := binding(value)
				found = append(found, b)
				return err
			}
			return nil
		})
		if err != nil || m[0] == msgDone || m[0] == msgReply && !data {
			return found, status, err
		}
	}
}

func (a *asker) message() ([]byte, error) {
	if err := a.acknowledge(); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(a.conn, length[:]); err != nil {
		return nil, err
	}
	m := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(a.conn, m); err != nil {
		return nil, err
	}
	if len(m) < 4 || m[0] < msgReply || m[0] > msgData || binary.BigEndian.Uint32(m)&0xffffff != a.xid {
		return nil, fmt.Errorf("message % x is not of this answer", m[:min(len(m), 4)])
	}
	return m, nil
}

// acknowledge makes the kernel acknowledge the next segment at once. Kea sends
// the end of an answer as a segment of its own, and only when the first one is
// acknowledged (Nagle): a delayed acknowledgement costs 40 ms for each query.
// The kernel forgets the wish after a while, so it is said again for each read.
func (a *asker) acknowledge() error {
	raw, err := a.conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	return errors.Join(err, set)
}

// binding reads one CLIENT_DATA.
func binding(data []byte) (a answer, err error) {
	err = eachOption(data, func(code uint16, value []byte) error {
		switch {
		case code == optCLT && len(value) == 4:
			a.clt = binary.BigEndian.Uint32(value)
		case code == optIAAddr && len(value) >= 24:
			a.prefix = netip.PrefixFrom(netip.AddrFrom16([16]byte(value[:16])), 128)
			a.preferred, a.valid = binary.BigEndian.Uint32(value[16:]), binary.BigEndian.Uint32(value[20:])
		case code == optIAPrefix && len(value) >= 25:
			a.prefix = netip.PrefixFrom(netip.AddrFrom16([16]byte(value[9:25])), int(value[8]))
			a.preferred, a.valid = binary.BigEndian.Uint32(value), binary.BigEndian.Uint32(value[4:])
		}
		return nil
	})
	return a, err
}

func eachOption(b []byte, f func(code uint16, value []byte) error) error {
	for len(b) > 0 {
		if len(b) < 4 || len(b) < 4+int(binary.BigEndian.Uint16(b[2:])) {
			return errors.New("cut-off option")
		}
		end := 4 + int(binary.BigEndian.Uint16(b[2:]))
		if err := f(binary.BigEndian.Uint16(b), b[4:end]); err != nil {
			return err
		}
		b = b[end:]
	}
	return nil
}
