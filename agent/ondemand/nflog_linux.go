package ondemand

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	// logBuffer is what the kernel may queue for us: seconds of reports at the
	// highest rates.
	logBuffer = 4 << 20

	packetMessage = unix.NFNL_SUBSYS_ULOG << 8   // NFULNL_MSG_PACKET, which is 0
	configMessage = unix.NFNL_SUBSYS_ULOG<<8 | 1 // NFULNL_MSG_CONFIG

	configCommand   = 1 // NFULA_CFG_CMD
	configMode      = 2 // NFULA_CFG_MODE
	configTimeout   = 4 // NFULA_CFG_TIMEOUT, in hundredths of a second
	configThreshold = 5 // NFULA_CFG_QTHRESH
	configFlags     = 6 // NFULA_CFG_FLAGS

	bindCommand  = 1 // NFULNL_CFG_CMD_BIND
	copyPacket   = 2 // NFULNL_COPY_PACKET
	sequenceFlag = 1 // NFULNL_CFG_F_SEQ
)

// A logReader reads what the rules report.
type logReader struct {
	conn  *netlink.Conn
	stats *counters
	next  uint32 // sequence number of the next report
}

// openLog binds to an NFLOG group in a network namespace (0: the caller's). It
// must be certain that we have the capability: the error for a group that
// somebody else has is the same.
func openLog(space int, group uint16, stats *counters) (*logReader, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: space})
	if err != nil {
		return nil, fmt.Errorf("open NFLOG socket: %w", explained(err))
	}
	r := &logReader{conn: conn, stats: stats}
	if err := r.bind(group); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EBUSY) {
			err = fmt.Errorf("%w (%w)", ErrGroupTaken, err)
		} else {
			err = explained(err)
		}
		return nil, errors.Join(fmt.Errorf("bind to NFLOG group %d: %w", group, err), conn.Close())
	}
	return r, nil
}

// bind asks for the beginnings of packets, each report numbered and sent by
// itself at once.
func (r *logReader) bind(group uint16) error {
	if err := r.conn.SetReadBuffer(logBuffer); err != nil {
		return err
	}
	attributes, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: configCommand, Data: []byte{bindCommand}},
		{Type: configMode, Data: []byte{0, 0, 0, snapLength, copyPacket, 0}},
		{Type: configTimeout, Data: []byte{0, 0, 0, 1}},
		{Type: configThreshold, Data: []byte{0, 0, 0, 1}},
		{Type: configFlags, Data: []byte{0, sequenceFlag}},
	})
	if err != nil {
		return err
	}
	header := binary.BigEndian.AppendUint16([]byte{unix.AF_UNSPEC, unix.NFNETLINK_V0}, group)
	request, err := r.conn.Send(netlink.Message{
		Header: netlink.Header{Type: configMessage, Flags: netlink.Request | netlink.Acknowledge},
		Data:   append(header, attributes...),
	})
	if err != nil {
		return err
	}
	return r.acknowledged(request.Header.Sequence)
}

// acknowledged waits for the answer to a request. The rules of a run before
// may report something meanwhile, which nobody waits for yet.
func (r *logReader) acknowledged(sequence uint32) error {
	for {
		messages, err := r.conn.Receive()
		if err != nil {
			return err
		}
		for _, m := range messages {
			if m.Header.Type == netlink.Error && m.Header.Sequence == sequence {
				return nil
			}
			r.take(m)
		}
	}
}

// run calls report with each report until ctx ends, and then returns nil. report
// must not wait: what the socket can't hold is lost.
func (r *logReader) run(ctx context.Context, report func(logged)) error {
	stop := context.AfterFunc(ctx, func() { _ = r.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		messages, err := r.conn.Receive()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENOBUFS):
			r.stats.count(overruns)
			continue
		case err != nil:
			return fmt.Errorf("read NFLOG: %w", err)
		}
		for _, m := range messages {
			if l, ok := r.take(m); ok {
				report(l)
			}
		}
	}
}

// take decodes a message and counts what was lost before it.
func (r *logReader) take(m netlink.Message) (logged, bool) {
	if m.Header.Type != packetMessage {
		return logged{}, false
	}
	l, err := parseLogged(m.Data)
	if err != nil {
		r.stats.count(malformed)
		return logged{}, false
	}
	r.stats.count(received)
	if l.numbered {
		r.stats[lost].Add(uint64(l.sequence - r.next))
		r.next = l.sequence + 1
	}
	return l, true
}

func (r *logReader) close() error { return r.conn.Close() }
