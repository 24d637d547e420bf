package wire

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/binding"
)

// An oracle holds a parsed value against the library's options of the same
// octets.
type oracle struct {
	t       *testing.T
	options dhcpv6.Options
}

// first returns the value of the first option of that code; nil if absent.
func (o oracle) first(code uint16) []byte {
	option := o.options.GetOne(dhcpv6.OptionCode(code))
	if option == nil {
		return nil
	}
	return append([]byte{}, option.ToBytes()...)
}

// impossible tells whether an option of that code has another length.
func (o oracle) impossible(code uint16, least, most int) bool {
	return slices.ContainsFunc(o.options.Get(dhcpv6.OptionCode(code)), func(option dhcpv6.Option) bool {
		n := len(option.ToBytes())
		return n < least || n > most
	})
}

func (o oracle) impossibleDUID(code uint16) bool { return o.impossible(code, minDUID, maxDUID) }

// bytes compares a value and whether it is there at all.
func (o oracle) bytes(what string, got, want []byte) {
	o.t.Helper()
	if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
		o.t.Fatalf("%s %x, the library has %x", what, got, want)
	}
}

// message compares all of the first level but the client data.
func (o oracle) message(m *Message, library *dhcpv6.Message) {
	if uint8(m.Type) != uint8(library.MessageType) || m.ID != TransactionID(library.TransactionID) {
		o.t.Fatalf("%s %s, the library has %s %s", m.Type, m.ID, library.MessageType, library.TransactionID)
	}
	o.bytes("client-id", m.ClientID, o.first(optClientID))
	o.bytes("server-id", m.ServerID, o.first(optServerID))
	o.bytes("relay data", m.RelayData, o.first(optLQRelayData))
	o.status(m)
	o.stamp(&m.Stamp)
	o.clientData(m)
	links := o.first(optClientLink)
	got, err := m.ClientLinks(nil)
	if m.HasClientLink != (links != nil) || (err == nil) != (len(links)%16 == 0) || err == nil && len(got) != len(links)/16 {
		o.t.Fatalf("links %v, %v; the library has %x", got, err, links)
	}
}

func (o oracle) status(m *Message) {
	status, has := o.options.GetOne(dhcpv6.OptionStatusCode).(*dhcpv6.OptStatusCode)
	switch {
	case m.HasStatus != has:
		o.t.Fatalf("status %v, the library has %v", m.HasStatus, has)
	case !has && m.Status != iana.StatusSuccess, has && (m.Status != status.StatusCode || string(m.StatusText) != status.StatusMessage):
		o.t.Fatalf("status %d %q, the library has %v", m.Status, m.StatusText, status)
	}
}

// stamp compares the first base time and sequence number of a right length.
func (o oracle) stamp(s *Stamp) {
	var base, sequence []byte
	unusable := 0
	for _, option := range o.options {
		value := option.ToBytes()
		switch {
		case option.Code() == optLQBaseTime && len(value) == 4 && base == nil:
			base = value
		case option.Code() == sequenceCode && (len(value) == 4 || len(value) == 8) && sequence == nil:
			sequence = value
		case option.Code() == optLQBaseTime && len(value) != 4, option.Code() == sequenceCode && len(value) != 4 && len(value) != 8:
			unusable++
		}
	}
	want := Stamp{HasBaseTime: base != nil, HasSequence: sequence != nil, Sequence32: len(sequence) == 4, Unusable: uint16(unusable)}
	if base != nil {
		want.BaseTime = binary.BigEndian.Uint32(base)
	}
	if sequence != nil {
		want.Sequence = binary.BigEndian.Uint64(append(make([]byte, 8-len(sequence)), sequence...))
	}
	if *s != want {
		o.t.Fatalf("%+v, the library has %+v", *s, want)
	}
}

func (o oracle) clientData(m *Message) {
	want := o.options.Get(dhcpv6.OptionClientData)
	if m.ClientDatas != len(want) {
		o.t.Fatalf("%d client data, the library has %d", m.ClientDatas, len(want))
	}
	at := 0
	for _, option := range want {
		data, next, ok := m.NextClientData(at)
		if !ok || !bytes.Equal(data, option.ToBytes()) {
			o.t.Fatalf("client data %x, the library has %x", data, option.ToBytes())
		}
		at = next
	}
	if _, _, ok := m.NextClientData(at); ok {
		o.t.Fatal("one client data too many")
	}
}

// client compares all of a client data but the leases.
func (o oracle) client(c *ClientData) {
	o.bytes("client-id", c.ClientID, o.first(optClientID))
	o.bytes("relay data", c.RelayData, o.first(optLQRelayData))
	o.stamp(&c.Stamp)
	clt := o.first(optCLTTime)
	if c.HasCLT != (clt != nil) || clt != nil && c.CLT != binary.BigEndian.Uint32(clt) {
		o.t.Fatalf("CLT %d, the library has %x", c.CLT, clt)
	}
}

// leases compares the leases without a fault. The library takes any prefix
// length: those that no prefix has are left out here.
func (o oracle) leases(got []Lease) {
	var want []Lease
	for _, option := range o.options {
		switch option := option.(type) {
		case *dhcpv6.OptIAAddress:
			a, _ := netip.AddrFromSlice(option.IPv6Addr)
			want = append(want, Lease{netip.PrefixFrom(a, 128), false, false, lifetime(option.PreferredLifetime), lifetime(option.ValidLifetime)})
		case *dhcpv6.OptIAPrefix:
			if option.Prefix == nil || option.Prefix.Mask == nil {
				continue
			}
			a, _ := netip.AddrFromSlice(option.Prefix.IP)
			bits, _ := option.Prefix.Mask.Size()
			sent := netip.PrefixFrom(a, bits)
			want = append(want, Lease{sent.Masked(), true, sent.Masked() != sent, lifetime(option.PreferredLifetime), lifetime(option.ValidLifetime)})
		}
	}
	if !slices.Equal(got, want) {
		o.t.Fatalf("leases %v, the library has %v", got, want)
	}
}

func lifetime(d time.Duration) uint32 { return uint32(d / time.Second) }

// relayOracle compares the relays with what the library made of them.
func relayOracle(t *testing.T, library *dhcpv6.RelayMessage, relays []binding.Relay, err error) {
	if library.MessageType != dhcpv6.MessageTypeRelayForward {
		if err == nil || len(relays) > 0 {
			t.Fatalf("%s: %v, %v", library.MessageType, relays, err)
		}
		return
	}
	sound := err == nil
	for _, r := range relays {
		if library == nil {
			t.Fatalf("a relay too many: %+v", r)
		}
		sound = sound && oneRelayOracle(t, library, r)
		inner, _ := library.Options.RelayMessage().(*dhcpv6.RelayMessage)
		library = inner
	}
	if library != nil && library.MessageType == dhcpv6.MessageTypeRelayForward && sound {
		t.Fatalf("%d relays, the library has more", len(relays))
	}
}

// oneRelayOracle compares one relay, and returns whether all ids in it have a
// possible length.
func oneRelayOracle(t *testing.T, library *dhcpv6.RelayMessage, r binding.Relay) bool {
	o := oracle{t, library.Options.Options}
	link, _ := netip.AddrFromSlice(library.LinkAddr)
	peer, _ := netip.AddrFromSlice(library.PeerAddr)
	if r.Link != link || r.Peer != peer {
		t.Fatalf("%+v, the library has %v", r, library)
	}
	o.bytes("interface-id", r.InterfaceID, o.first(optInterfaceID))
	if o.impossibleDUID(optRelayID) || o.impossible(optRemoteID, minRemoteID, 1<<16) {
		return false
	}
	o.bytes("relay-id", r.RelayID, o.first(optRelayID))
	o.bytes("remote-id", r.RemoteID, o.first(optRemoteID))
	return true
}

// queryOracle reads a LEASEQUERY with the library.
func queryOracle(t *testing.T, q Query, b []byte, id TransactionID, client, server []byte) {
	m, err := Parse(b, 0)
	must(t, err)
	if m.Type != LeaseQuery || m.ID != id || !bytes.Equal(m.ClientID, client) || !bytes.Equal(m.ServerID, server) {
		t.Fatalf("%s %s %x %x", m.Type, m.ID, m.ClientID, m.ServerID)
	}
	value, at, ok := find(b[minMessage:], 0, optLQQuery)
	if _, _, again := find(b[minMessage:], at, optLQQuery); !ok || again || value[0] != byte(q.Type) {
		t.Fatalf("query %x", b)
	}
	link := netip.AddrFrom16([addressLength]byte(value[1:]))
	if link != q.Link && !(link.IsUnspecified() && !q.Link.IsValid()) {
		t.Fatalf("link-address %s, want %s", link, q.Link)
	}
	o := oracle{t: t}
	inner := value[1+addressLength:]
	if o.options.FromBytes(inner) == nil {
		o.query(q)
	}
}

// query compares the query-options: those of the type, and no others.
func (o oracle) query(q Query) {
	subject := map[QueryType][]byte{ByClientID: q.ClientID, ByRelayID: q.RelayID, ByRemoteID: q.RemoteID}[q.Type]
	code := map[QueryType]uint16{ByAddress: optIAAddr, ByClientID: optClientID, ByRelayID: optRelayID, ByRemoteID: optRemoteID}[q.Type]
	if q.Type == ByAddress {
		subject = append(q.Address.AsSlice(), make([]byte, 8)...)
	}
	want := map[uint16][]byte{optORO: nil}
	seen := map[uint16]bool{} // the library leaves out repeated codes
	for _, code := range q.wanted() {
		if !seen[code] {
			want[optORO] = binary.BigEndian.AppendUint16(want[optORO], code)
		}
		seen[code] = true
	}
	if want[optORO] == nil {
		delete(want, optORO)
	}
	if code != 0 {
		want[code] = subject
	}
	if len(o.options) != len(want) {
		o.t.Fatalf("query-options %v", o.options)
	}
	for code, value := range want {
		o.bytes("query-option", o.first(code), value)
	}
}
