package lqclient

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// FuzzStream feeds a connection with whatever a server might send while a
// query is outstanding. It must come to an end, and the observations must be
// such as the table may rely on.
func FuzzStream(f *testing.F) {
	frames := func(messages ...[]byte) (stream []byte) {
		for _, m := range messages {
			stream, _ = wire.AppendFrame(stream, m)
		}
		return stream
	}
	answer := kea(f, "v6-tcp-relayid.*.bin")[:12]
	f.Add(frames(answer...))
	for _, m := range kea(f, "v6-tcp-*.reply.bin") {
		f.Add(frames(m, done(wire.TransactionID(m[1:4]))))
	}
	f.Add(frames(reply(id1, lease("2001:db8:8000::/56")), data(id1, lease("2001:db8:8000:100::/60")), done(id1, status(queryTerminated))))
	f.Fuzz(func(t *testing.T, stream []byte) {
		if len(stream) < 6 {
			return
		}
		x := &exchange{id: wire.TransactionID(stream[3:6]), done: make(chan struct{})}
		out := make(chan *binding.Batch, len(stream))
		s := testServer()
		o := Options{}
		n := newNotes(nil)
		x.sink = newDecoder(&o, &s, binding.FromBulk, n, outbox{ctx: t.Context(), out: out})
		conn := newConn(canned{stream: &stream}, s.withDefaults(), []byte("\x00\x03\x00\x01\xfe\xfe\xfe\x00\x00\x01"), n)
		conn.pending[x.id] = x
		_ = conn.Run(t.Context())
		<-x.done
		close(out)
		for b := range out {
			for _, o := range b.Observations {
				checkObservation(t, o)
			}
			b.Free()
		}
	})
}

// checkObservation holds an observation against what binding.Observation says.
func checkObservation(t *testing.T, o binding.Observation) {
	t.Helper()
	p := o.Key.Prefix
	switch {
	case !p.IsValid() || p != p.Masked() || p.Bits() == 0 || o.Key.Kind == binding.Address && !p.IsSingleIP():
		t.Errorf("key %v", o.Key)
	case len(o.Client) < 3 || len(o.Client) > 130:
		t.Errorf("client DUID of %d octets", len(o.Client))
	case o.PreferredUntil.After(o.ValidUntil), o.CLT.After(o.Received), o.Received.IsZero():
		t.Errorf("CLT %s, received %s, preferred until %s, valid until %s", o.CLT, o.Received, o.PreferredUntil, o.ValidUntil)
	}
}

// canned is a connection whose other end has said all it ever will.
type canned struct{ stream *[]byte }

func (c canned) Read(p []byte) (int, error) {
	if len(*c.stream) == 0 {
		return 0, io.EOF
	}
	n := copy(p, *c.stream)
	*c.stream = (*c.stream)[n:]
	return n, nil
}
func (canned) Write(p []byte) (int, error)      { return len(p), nil }
func (canned) Close() error                     { return nil }
func (canned) LocalAddr() net.Addr              { return net.TCPAddrFromAddrPort(netip.AddrPort{}) }
func (canned) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(netip.AddrPort{}) }
func (canned) SetDeadline(time.Time) error      { return nil }
func (canned) SetReadDeadline(time.Time) error  { return nil }
func (canned) SetWriteDeadline(time.Time) error { return nil }
