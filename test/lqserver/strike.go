package lqserver

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/iana"
)

// errEnded reports that a fault ended the connection.
var errEnded = errors.New("ended by a fault")

// sendDamaged writes one message with the faults that change it.
func (j *job) sendDamaged(ctx context.Context, m *message, s *style) error {
	f, out := j.session.faults, &j.session.out
	if f.WrongID&m.kind != 0 {
		m.id[0] ^= 0xff
	}
	start := len(out.buf)
	out.buf = m.appendFrame(out.buf, j.session.now, s)
	if at(f.UnknownType, j.sent) {
		const nobodys = 99
		out.buf[start+2] = nobodys
	}
	if at(f.HugeFrame, j.sent) {
		out.buf = padFrame(out.buf, start)
	}
	if at(f.Half, j.sent) {
		out.buf = out.buf[:start+(len(out.buf)-start)/2]
		return j.end(ctx, false)
	}
	return nil
}

// strike lets those faults strike whose time has come.
func (j *job) strike(ctx context.Context) error {
	if j.session.plain {
		return nil
	}
	j.insert()
	f := j.session.faults
	if f.Hold != nil && f.Hold.after == j.sent {
		if err := j.hold(ctx, f.Hold); err != nil {
			return err
		}
	}
	if at(f.Stall, j.sent) {
		if err := j.stall(ctx, f.StallFor); err != nil {
			return err
		}
	}
	if at(f.Terminate, j.sent) {
		j.terminate(f.TerminateCode)
		return j.end(ctx, false)
	}
	if at(f.Cut, j.sent) || at(f.Reset, j.sent) {
		return j.end(ctx, at(f.Reset, j.sent))
	}
	return nil
}

// insert writes the frames that belong to no answer.
func (j *job) insert() {
	f, out := j.session.faults, &j.session.out
	noise := bytes.Repeat([]byte{0xa5}, 64)
	if at(f.Garbage, j.sent) {
		out.buf = append(append(out.buf, 0, byte(len(noise))), noise...)
	}
	if at(f.Noise, j.sent) {
		id := j.query.ID
		out.buf = append(out.buf, 0, byte(4+len(noise)), Data.messageType(), id[0], id[1], id[2])
		out.buf = append(out.buf, noise...)
	}
	if at(f.ShortFrame, j.sent) {
		out.buf = append(out.buf, 0, 3, Data.messageType(), 0, 0)
	}
	if at(f.EmptyFrame, j.sent) {
		out.buf = append(out.buf, 0, 0)
	}
}

// terminate says in mid-answer that there will be no more (S25, S26): by a
// DONE, or if nothing was said yet by the REPLY. 0 is QueryTerminated.
func (j *job) terminate(code iana.StatusCode) {
	if code == iana.StatusSuccess {
		code = iana.StatusQueryTerminated
	}
	kind := Dones
	if !j.replied {
		kind = Replies
	}
	m := j.message(kind)
	m.status, m.text = code, "query terminated"
	j.session.out.buf = m.appendFrame(j.session.out.buf, j.session.now, &j.style)
}

// end writes what there is and returns errEnded. With reset the requestor
// gets a RST.
func (j *job) end(ctx context.Context, reset bool) error {
	if err := j.session.flush(ctx); err != nil {
		return err
	}
	j.session.reset = reset
	return errEnded
}

func (j *job) hold(ctx context.Context, h *Hold) error {
	if err := j.session.flush(ctx); err != nil {
		return err
	}
	h.stop()
	return j.wait(ctx, h.released)
}

func (j *job) stall(ctx context.Context, d time.Duration) error {
	if err := j.session.flush(ctx); err != nil {
		return err
	}
	if d == 0 {
		return j.wait(ctx, nil)
	}
	over := make(chan struct{})
	timer := time.AfterFunc(d, func() { close(over) })
	defer timer.Stop()
	return j.wait(ctx, over)
}

// wait returns nil once over is closed, errEnded if the requestor ended first,
// and the context's error if the server did. The requestor's end shows only while it is read from,
// so the job's slot is given back for good.
func (j *job) wait(ctx context.Context, over <-chan struct{}) error {
	if !j.freed {
		j.freed = true
		j.session.release()
	}
	select {
	case <-over:
		j.session.now = time.Now()
		return nil
	case <-j.session.eof:
		return errEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// style is how a binding is written that the faults strike.
func (f *Faults) style(s style) *style {
	s.lackCLT = f.Lack&PartCLT != 0
	s.lackClientID = f.Lack&PartClientID != 0
	s.lackLease = f.Lack&PartLease != 0
	s.prefixLength = f.PrefixLength
	s.hostBits = f.HostBits
	s.truncated = f.TruncatedOption
	s.relayData = s.relayData && f.RelayData != Missing
	s.malformedRelays = f.RelayData == Wrong
	s.zeroValid = f.ZeroValid
	s.preferredAboveValid = f.PreferredAboveValid
	return &s
}

// contradict gives the lease to another client, at another link-local.
func contradict(b Binding, c Contradiction, now time.Time) Binding {
	b.Client = bytes.Clone(b.Client)
	b.Client[len(b.Client)-1] ^= 0xff
	b.Last = b.Last.Add(-time.Hour)
	if c == Newer {
		b.Last = now
	}
	if b.Relays = slices.Clone(b.Relays); len(b.Relays) > 0 {
		inner := &b.Relays[len(b.Relays)-1]
		peer := inner.Peer.As16()
		peer[15] ^= 0xff
		inner.Peer = netip.AddrFrom16(peer)
	}
	return b
}
