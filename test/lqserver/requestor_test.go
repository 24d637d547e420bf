package lqserver

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

var (
	testDUID      = []byte{0, 2, 0, 0, 0x09, 0xbf, 1, 2, 3, 4, 5, 6, 7, 8}
	testRequestor = []byte{0, 3, 0, 1, 0xfe, 0xfe, 0xfe, 0, 0, 1}
	testRelayID   = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testLinks returns links 2001:db8:1::/64, 2001:db8:2::/64 and so on.
func testLinks(n int) []Link {
	links := make([]Link, n)
	for i := range links {
		a := netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::1", i+1))
		links[i] = Link{Address: netip.PrefixFrom(a, 64), RelayID: testRelayID, InterfaceID: fmt.Appendf(nil, "acc%d", i)}
	}
	return links
}

// An ask is a LEASEQUERY to be, with everything that a test may want wrong.
type ask struct {
	typ       QueryType
	link      netip.Addr
	options   dhcpv6.Options // in LQ_QUERY
	outer     dhcpv6.Options // at message level, besides CLIENTID
	anonymous bool           // without CLIENTID
	id        byte           // last octet of the transaction-id
}

func generic(code dhcpv6.OptionCode, value []byte) dhcpv6.Option {
	return &dhcpv6.OptionGeneric{OptionCode: code, OptionData: value}
}

func byRelayID(id []byte) ask {
	return ask{typ: ByRelayID, options: dhcpv6.Options{generic(dhcpv6.OptionRelayID, id)}}
}

func byRemoteID(id []byte) ask {
	return ask{typ: ByRemoteID, options: dhcpv6.Options{generic(dhcpv6.OptionRemoteID, id)}}
}

func byClientID(id []byte) ask {
	return ask{typ: ByClientID, options: dhcpv6.Options{generic(dhcpv6.OptionClientID, id)}}
}

func byLink(a string) ask { return ask{typ: ByLinkAddress, link: netip.MustParseAddr(a)} }

func byAddress(a string) ask {
	octets := netip.MustParseAddr(a).As16()
	return ask{typ: ByAddress, options: dhcpv6.Options{generic(dhcpv6.OptionIAAddr, append(octets[:], make([]byte, 8)...))}}
}

func (a ask) onLink(link string) ask {
	a.link = netip.MustParseAddr(link)
	return a
}

// wanting adds an ORO to the query-options.
func (a ask) wanting(codes ...dhcpv6.OptionCode) ask {
	var v []byte
	for _, c := range codes {
		v = binary.BigEndian.AppendUint16(v, uint16(c))
	}
	a.options = append(a.options[:len(a.options):len(a.options)], generic(dhcpv6.OptionORO, v))
	return a
}

// message is the LEASEQUERY without framing.
func (a ask) message() []byte {
	link := netip.IPv6Unspecified().As16()
	if a.link.IsValid() {
		link = a.link.As16()
	}
	lq := append(append([]byte{byte(a.typ)}, link[:]...), a.options.ToBytes()...)
	m := dhcpv6.Message{MessageType: dhcpv6.MessageTypeLeaseQuery, TransactionID: dhcpv6.TransactionID{0xab, 0xcd, a.id}}
	if !a.anonymous {
		m.AddOption(generic(dhcpv6.OptionClientID, testRequestor))
	}
	if a.typ != 0 {
		m.AddOption(generic(dhcpv6.OptionLQQuery, lq))
	}
	for _, o := range a.outer {
		m.AddOption(o)
	}
	return m.ToBytes()
}

func (a ask) frame() []byte { return frame(a.message()) }

func frame(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// readRaw reads one frame's content; io.EOF between frames.
func readRaw(conn net.Conn) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(conn, b)
	return b, err
}
