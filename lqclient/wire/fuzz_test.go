package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/binding"
)

// FuzzFrame (C4): however a stream is cut into segments, the messages are the
// same, and framed again they are the stream up to where it ended.
func FuzzFrame(f *testing.F) {
	var all []byte
	for _, frame := range captures(f) {
		all = append(all, frames(f, frame)...)
	}
	f.Add(all, []byte{1, 2, 3, 200})
	f.Add(all[:1000], []byte{1})
	f.Add(unhex(f, "0004 10a1b2c3 0003 0102"), []byte{0})
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		want, wantErr := readAll(bytes.NewReader(stream))
		got, gotErr := readAll(&segments{stream: stream, cuts: cuts})
		if !equalMessages(got, want) || text(gotErr) != text(wantErr) {
			t.Fatalf("%d messages, %v; in one piece %d, %v", len(got), gotErr, len(want), wantErr)
		}
		again := frames(t, want...)
		if !bytes.HasPrefix(stream, again) || wantErr == io.EOF && len(again) != len(stream) {
			t.Fatalf("%x became %x", stream, again)
		}
		if wantErr != io.EOF && wantErr != io.ErrUnexpectedEOF && !errors.Is(wantErr, ErrMalformed) {
			t.Fatal(wantErr)
		}
	})
}

// segments gives a stream in pieces, each one octet longer than a cut says;
// without cuts in single octets.
type segments struct {
	stream, cuts []byte
	turn         int
}

func (s *segments) Read(b []byte) (int, error) {
	n := 1
	if len(s.cuts) > 0 {
		n += int(s.cuts[s.turn%len(s.cuts)])
		s.turn++
	}
	n = min(n, len(s.stream), len(b))
	if n == 0 {
		return 0, io.EOF
	}
	copy(b, s.stream[:n])
	s.stream = s.stream[n:]
	return n, nil
}

// FuzzMessage holds Parse against the library, wherever that parses all.
func FuzzMessage(f *testing.F) {
	for _, frame := range captures(f) {
		f.Add(frame)
	}
	f.Add(unhex(f, top+"0064 0004 00000007 fdec 0008 0000000000000009 0030 0010"+somePeer+"002f 0010"+somePeer))
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := Parse(frame, sequenceCode)
		describe(frame, sequenceCode)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		library, libraryErr := dhcpv6.MessageFromBytes(frame)
		if libraryErr != nil {
			return
		}
		o := oracle{t, library.Options.Options}
		if o.impossibleDUID(optClientID) || o.impossibleDUID(optServerID) {
			if err == nil {
				t.Fatal("a DUID of an impossible length")
			}
			return
		}
		if err != nil {
			t.Fatalf("the library parses it: %v", err)
		}
		o.message(&m, library)
	})
}

// FuzzClientData does the same with the value of an OPTION_CLIENT_DATA.
func FuzzClientData(f *testing.F) {
	for _, frame := range captures(f) {
		if m, err := Parse(frame, 0); err == nil {
			for at, ok, data := 0, true, []byte(nil); ok; f.Add(data) {
				data, at, ok = m.NextClientData(at)
			}
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := ParseClientData(value, sequenceCode)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		leases := leasesOf(t, &c)
		var options dhcpv6.Options
		if options.FromBytes(value) != nil {
			return
		}
		o := oracle{t, options}
		if o.impossibleDUID(optClientID) || o.impossible(optCLTTime, 4, 4) {
			if err == nil {
				t.Fatal("a DUID or a CLT time of an impossible length")
			}
			return
		}
		if err != nil {
			t.Fatalf("the library parses it: %v", err)
		}
		o.client(&c)
		o.leases(leases)
	})
}

// leasesOf collects the leases without a fault, and checks what is promised
// of them.
func leasesOf(t *testing.T, c *ClientData) (leases []Lease) {
	for at := 0; ; {
		l, next, ok, err := c.NextLease(at)
		if !ok {
			return leases
		}
		if next <= at || err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatalf("from %d to %d, %v", at, next, err)
		}
		at = next
		if err != nil {
			continue
		}
		if l.Prefix != l.Prefix.Masked() || l.Prefix.Bits() < 1 || !l.Prefix.Addr().Is6() {
			t.Fatalf("lease of %s", l.Prefix)
		}
		leases = append(leases, l)
	}
}

// FuzzRelayData holds ParseRelayData against the library. The library wants
// all options to make sense, the ids of the relays alone are enough for us.
func FuzzRelayData(f *testing.F) {
	for _, frame := range captures(f) {
		m, err := Parse(frame, 0)
		if err != nil {
			continue
		}
		data, _, _ := m.NextClientData(0)
		c, _ := ParseClientData(data, 0)
		c.Inherit(&m)
		f.Add(c.RelayData)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		dst := make([]binding.Relay, 1, MaxRelays+1)
		peer, relays, err := ParseRelayData(value, dst)
		if err != nil && !errors.Is(err, ErrMalformed) || len(relays) < 1 || len(relays) > MaxRelays+1 || &relays[0] != &dst[0] {
			t.Fatalf("%d relays, %v", len(relays), err)
		}
		if len(value) < addressLength {
			return
		}
		if peer != netip.AddrFrom16([addressLength]byte(value)) {
			t.Fatalf("peer %s", peer)
		}
		if library, libraryErr := dhcpv6.RelayMessageFromBytes(value[addressLength:]); libraryErr == nil {
			relayOracle(t, library, relays[1:], err)
		}
	})
}

// FuzzQuery builds messages and has the library read them.
func FuzzQuery(f *testing.F) {
	duid := unhex(f, "00030001020000000001")
	for kind := range uint8(6) {
		f.Add(kind, []byte(nil), duid, duid, []byte(nil), binary.BigEndian.AppendUint16(nil, 47))
		f.Add(kind, addr("2001:db8::1").AsSlice(), addr("fe80::1").AsSlice(), duid, duid, []byte(nil))
	}
	f.Fuzz(func(t *testing.T, kind uint8, link, subject, client, server, options []byte) {
		q := queryOf(kind, link, subject, options)
		if len(server) == 0 {
			server = nil
		}
		id := TransactionID{1, 2, 3}
		b, err := q.Append(nil, id, client, server)
		if err != nil {
			if q.validate(client, server) == nil && len(subject)+2*len(options) < 60000 {
				t.Fatal(err)
			}
			return
		}
		queryOracle(t, q, b, id, client, server)
	})
}

// queryOf makes a query of random parts; subject goes where the type wants it.
func queryOf(kind uint8, link, subject, options []byte) Query {
	q := Query{Type: QueryType(kind)}
	q.Link, _ = netip.AddrFromSlice(link)
	switch q.Type {
	case ByAddress:
		q.Address, _ = netip.AddrFromSlice(subject)
	case ByClientID:
		q.ClientID = subject
	case ByRelayID:
		q.RelayID = subject
	case ByRemoteID:
		q.RemoteID = subject
	}
	for ; len(options) >= 2; options = options[2:] {
		q.Options = append(q.Options, binary.BigEndian.Uint16(options))
	}
	return q
}
