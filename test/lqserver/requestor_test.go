package lqserver

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
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

// serve runs a server until the test ends. change may be nil.
func serve(t *testing.T, store Store, change func(*Options)) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "[::1]:0")
	must(t, err)
	o := Options{Listener: l, DUID: testDUID}
	if change != nil {
		change(&o)
	}
	s, err := New(o, store)
	must(t, err)
	run(t, s)
	return s
}

// run runs s until the test ends.
func run(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
	})
}

func dial(t *testing.T, s *Server) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// answerOf sends queries in one piece, half-closes, and returns all frames up
// to the server's close, and the error that came instead of it, if any.
func answerOf(t *testing.T, s *Server, asks ...ask) ([][]byte, error) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		return nil, err // a RST may come even here
	}
	defer conn.Close()
	var b []byte
	for _, a := range asks {
		b = append(b, a.frame()...)
	}
	if _, err := conn.Write(b); err != nil {
		return nil, err
	}
	conn.(*net.TCPConn).CloseWrite()
	return drain(conn)
}

// drain reads frames up to the end. A regular one is nil.
func drain(conn net.Conn) (frames [][]byte, err error) {
	for {
		b, err := readRaw(conn)
		if err == io.EOF {
			return frames, nil
		}
		if err != nil {
			return frames, err
		}
		frames = append(frames, b)
	}
}

// messages returns the messages of an answer, which ends as it should.
func messages(t *testing.T, s *Server, asks ...ask) []*dhcpv6.Message {
	t.Helper()
	frames, err := answerOf(t, s, asks...)
	must(t, err)
	return parsed(t, frames)
}

func parsed(t *testing.T, frames [][]byte) []*dhcpv6.Message {
	t.Helper()
	var all []*dhcpv6.Message
	for _, b := range frames {
		m, err := dhcpv6.MessageFromBytes(b)
		must(t, err)
		all = append(all, m)
	}
	return all
}

// shape writes the types of messages as letters: R for REPLY, D for DATA, E
// for DONE.
func shape(messages []*dhcpv6.Message) string {
	var b strings.Builder
	for _, m := range messages {
		switch m.MessageType {
		case dhcpv6.MessageTypeLeaseQueryReply:
			b.WriteByte('R')
		case dhcpv6.MessageTypeLeaseQueryData:
			b.WriteByte('D')
		case dhcpv6.MessageTypeLeaseQueryDone:
			b.WriteByte('E')
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

// status returns the status of a message, Success if there is none.
func status(m *dhcpv6.Message) iana.StatusCode {
	if o := m.Options.Status(); o != nil {
		return o.StatusCode
	}
	return iana.StatusSuccess
}

// A lease is a CLIENT_DATA as the library reads it.
type lease struct {
	client   []byte
	prefixes []string // "2001:db8::/56" or for an address "2001:db8::1"
	valid    []time.Duration
	clt      int64 // seconds; -1: none
	peer     netip.Addr
	relay    *dhcpv6.RelayMessage // nil: none
}

// leases returns the CLIENT_DATA of all messages.
func leases(t *testing.T, messages []*dhcpv6.Message) []lease {
	t.Helper()
	var all []lease
	for _, m := range messages {
		for _, o := range m.Options.Get(dhcpv6.OptionClientData) {
			all = append(all, parseLease(t, o.ToBytes()))
		}
	}
	return all
}

func parseLease(t *testing.T, b []byte) lease {
	t.Helper()
	var o dhcpv6.Options
	must(t, o.FromBytes(b))
	l := lease{client: value(o, dhcpv6.OptionClientID), clt: -1}
	for _, opt := range o {
		switch opt := opt.(type) {
		case *dhcpv6.OptIAPrefix:
			l.prefixes = append(l.prefixes, opt.Prefix.String())
			l.valid = append(l.valid, opt.ValidLifetime)
		case *dhcpv6.OptIAAddress:
			l.prefixes = append(l.prefixes, opt.IPv6Addr.String())
			l.valid = append(l.valid, opt.ValidLifetime)
		}
	}
	if v := value(o, dhcpv6.OptionCLTTime); v != nil {
		l.clt = int64(binary.BigEndian.Uint32(v))
	}
	if v := value(o, dhcpv6.OptionLQRelayData); v != nil {
		l.peer = netip.AddrFrom16([16]byte(v[:16]))
		r, err := dhcpv6.RelayMessageFromBytes(v[16:])
		must(t, err)
		l.relay = r
	}
	return l
}

// prefixesOf returns what all CLIENT_DATA of an answer hold, one word each.
func prefixesOf(t *testing.T, messages []*dhcpv6.Message) string {
	t.Helper()
	var words []string
	for _, l := range leases(t, messages) {
		words = append(words, strings.Join(l.prefixes, "+"))
	}
	return strings.Join(words, " ")
}
