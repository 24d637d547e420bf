package gleaner

import (
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/binding"
)

// seeds are the packets of all captures, and some that no peer sends.
func seeds(t testing.TB) (packets [][]byte) {
	for _, f := range captureFiles(t) {
		for _, r := range readPcap(t, f) {
			packets = append(packets, r.data)
		}
	}
	return append(packets, ask1, answer1,
		ip6(cpe1, allRelays, 0, cat(extension(44, 16), extension(60, 8), extension(17, 8), ask1[header6:])),
		udp6(cpe1, allRelays, portServer, portServer, nested(forward, 12, dhcp(request, 1, clientID(duid1)))),
		toCPE(reply, 1, iaPD(1, rawPrefix("2001:db8::", 200, 9, 8), rawPrefix("2001:db8::1", 0, 0, 0, status(3)))),
	)
}

// FuzzPacket: a datagram lies within its packet.
func FuzzPacket(f *testing.F) {
	for _, p := range seeds(f) {
		f.Add(p, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, verify bool) {
		d, fate, ok := parseDatagram(b, verify)
		switch {
		case ok && (!d.src.IsValid() || !d.dst.IsValid() || len(d.payload)+headerUDP+header4 > len(b)):
			t.Errorf("got %+v of %d octets", d, len(b))
		case !ok && (fate < truncated || fate > notDHCP):
			t.Errorf("dropped as %s", counterNames[fate])
		}
	})
}

// FuzzRelay: what nest and message accept, the library can read too; and what
// is inside a layer is inside the message.
func FuzzRelay(f *testing.F) {
	for _, p := range seeds(f) {
		if d, _, ok := parseDatagram(p, false); ok {
			f.Add(d.payload)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var n nest
		for _, kind := range []dhcpv6.MessageType{forward, relayRepl} {
			if n.read(b, kind) != nil {
				continue
			}
			if len(n.inner) == 0 || n.inner[0] == byte(kind) || len(n.inner)+n.count*relayHeader > len(b) || len(n.relays()) != n.count {
				t.Errorf("%d layers of %d octets hold %d", n.count, len(b), len(n.inner))
			}
			if n.count == 0 {
				continue
			}
			m, err := dhcpv6.RelayMessageFromBytes(b)
			if err == nil && (!m.LinkAddr.Equal(n.relays()[0].Link.AsSlice()) || !m.PeerAddr.Equal(n.relays()[0].Peer.AsSlice())) {
				t.Errorf("first layer is %v, the library says %s", n.relays()[0], m.Summary())
			}
		}
	})
}

// FuzzMessage holds the decoder against the library's.
func FuzzMessage(f *testing.F) {
	for _, p := range seeds(f) {
		var n nest
		if d, _, ok := parseDatagram(p, false); ok && n.read(d.payload, forward) == nil && n.read(n.inner, relayRepl) == nil {
			f.Add(n.inner)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m message
		if m.read(b) != nil {
			return
		}
		if len(m.leases) > maxLeases || m.ias > maxLeases {
			t.Errorf("%d leases in %d IAs", len(m.leases), m.ias)
		}
		for _, l := range m.leases {
			if l.prefix.IsValid() && (l.prefix != l.prefix.Masked() || l.prefix.Bits() == 0) {
				t.Errorf("lease of %s", l.prefix)
			}
		}
		lib, err := dhcpv6.MessageFromBytes(b)
		if err == nil && countPrefixes(lib) != countDelegated(&m) {
			t.Errorf("%d prefixes, the library finds %d", countDelegated(&m), countPrefixes(lib))
		}
	})
}

func countPrefixes(m *dhcpv6.Message) (n int) {
	for _, ia := range m.Options.IAPD() {
		n += len(ia.Options.Prefixes())
	}
	return n
}

func countDelegated(m *message) (n int) {
	for _, l := range m.leases {
		if l.kind == binding.DelegatedPrefix {
			n++
		}
	}
	return n
}

// FuzzMatch: whatever comes by an access interface teaches nothing but a
// Release, and every packet has one fate; what a Reply teaches is well-formed.
func FuzzMatch(f *testing.F) {
	for _, p := range seeds(f) {
		f.Add(p, true)
		f.Add(p, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, toCore bool) {
		m := newBench(dialects)
		on := acc0
		if toCore {
			on = core
		}
		m.see(acc0, ask1)
		fate, seen := m.seePacket(packet{data: b, index: int(on), unfinished: true})
		for _, o := range seen {
			switch {
			case !toCore && o.Statement != binding.Released, toCore && o.Statement == binding.Released:
				t.Errorf("%s: statement %d on %s", fate, o.Statement, names[on])
			case !o.Key.Prefix.IsValid(), o.Key.Prefix != o.Key.Prefix.Masked(), o.Key.Prefix.Bits() == 0,
				len(o.Client) < 3, len(o.ServerDUID) < 3, o.Received != m.now, o.CLT != m.now:
				t.Errorf("%s: %+v", fate, o)
			case o.Statement == binding.Held && (o.ValidUntil.Before(o.PreferredUntil) || !o.ValidUntil.After(o.Received)):
				t.Errorf("%s: %+v", fate, o)
			}
		}
	})
}
