package gleaner

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/binding"
)

// The pieces that messages in tests are made of. The topology is that of
// testdata/relay/README.md.

func be16(v int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func be32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

func addr(s string) []byte { a := netip.MustParseAddr(s).As16(); return a[:] }

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

func opt(code dhcpv6.OptionCode, value ...[]byte) []byte {
	v := cat(value...)
	return cat(be16(int(code)), be16(len(v)), v)
}

func dhcp(kind dhcpv6.MessageType, xid uint32, options ...[]byte) []byte {
	return cat([]byte{byte(kind)}, be32(xid)[1:], cat(options...))
}

func relayed(kind dhcpv6.MessageType, hops byte, link, peer string, options ...[]byte) []byte {
	return cat([]byte{byte(kind), hops}, addr(link), addr(peer), cat(options...))
}

func clientID(duid string) []byte { return opt(dhcpv6.OptionClientID, []byte(duid)) }
func serverID(duid string) []byte { return opt(dhcpv6.OptionServerID, []byte(duid)) }
func status(c iana.StatusCode) []byte {
	return opt(dhcpv6.OptionStatusCode, be16(int(c)), []byte("words"))
}
func relayMsg(inner []byte) []byte { return opt(dhcpv6.OptionRelayMsg, inner) }

func iaPD(iaid uint32, options ...[]byte) []byte {
	return opt(dhcpv6.OptionIAPD, be32(iaid), be32(0), be32(0), cat(options...))
}

func iaNA(iaid uint32, options ...[]byte) []byte {
	return opt(dhcpv6.OptionIANA, be32(iaid), be32(0), be32(0), cat(options...))
}

func prefix(p string, preferred, valid uint32, options ...[]byte) []byte {
	x := netip.MustParsePrefix(p)
	return rawPrefix(x.Addr().String(), byte(x.Bits()), preferred, valid, options...)
}

func rawPrefix(a string, bits byte, preferred, valid uint32, options ...[]byte) []byte {
	return opt(dhcpv6.OptionIAPrefix, be32(preferred), be32(valid), []byte{bits}, addr(a), cat(options...))
}

func address(a string, preferred, valid uint32) []byte {
	return opt(dhcpv6.OptionIAAddr, addr(a), be32(preferred), be32(valid))
}

// udp6 puts a payload into a UDP datagram over IPv6 with a valid checksum.
func udp6(src, dst string, srcPort, dstPort int, payload []byte) []byte {
	udp := cat(be16(srcPort), be16(dstPort), be16(headerUDP+len(payload)), be16(0), payload)
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	sum := uint64(len(udp)) + protoUDP + addressSum(s) + addressSum(d)
	for i, b := range udp {
		sum += uint64(b) << (8 * (1 - i&1))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	sum ^= 0xffff
	if sum == 0 {
		sum = 0xffff // 0 would mean that there is none (RFC 8200, section 8.1)
	}
	binary.BigEndian.PutUint16(udp[6:], uint16(sum))
	return ip6(src, dst, protoUDP, udp)
}

func ip6(src, dst string, next byte, payload []byte) []byte {
	return cat([]byte{0x60, 0, 0, 0}, be16(len(payload)), []byte{next, 64}, addr(src), addr(dst), payload)
}

// The interfaces of the captures.
const (
	acc0 binding.Interface = 10 + iota
	acc1
	acc2
	core
	ppp0
)

const (
	relayAddr  = "2001:db8:ffff::1"
	serverAddr = "2001:db8:ffff::2"
	cpe1, cpe2 = "fe80::c1", "fe80::c2"
	bng0, bng1 = "fe80::b0", "fe80::b1"
	link0      = "2001:db8:100:1::1"
	link1      = "2001:db8:100:2::1"
	link2      = "2001:db8:100:3::1"
	agg        = "2001:db8:100:3::2" // the relay behind acc2
	allRelays  = "ff02::1:2"
	duid1      = "\x00\x03\x00\x01\x02\x00\x00\x00\x01\x01"
	duid2      = "\x00\x03\x00\x01\x02\x00\x00\x00\x01\x02"
	dhcpd      = "\x00\x03\x00\x01\x02\x00\x00\x00\x50\x01"
)

// topology has the kernel's index of each interface equal to its number.
func topology() []Interface {
	port := func(name string, n binding.Interface, addresses ...string) Interface {
		i := Interface{Name: name, Index: int(n), Number: n, Access: n != core, Core: n == core}
		for _, a := range addresses {
			i.Addresses = append(i.Addresses, netip.MustParsePrefix(a))
		}
		return i
	}
	point := port("ppp0", ppp0, "fe80::b4/64")
	point.PointToPoint = true
	return []Interface{
		port("acc0", acc0, bng0+"/64", link0+"/64"),
		port("acc1", acc1, bng1+"/64", link1+"/64"),
		port("acc2", acc2, "fe80::b2/64", link2+"/64"),
		port("core0", core, relayAddr+"/64"),
		point,
	}
}

// byLink resolves as an agent does that knows only link-addresses.
func byLink(relays []binding.Relay) (binding.Interface, netip.Addr) {
	for i, r := range relays {
		if port, ok := linkPorts[r.Link]; ok {
			return port, nextHop(relays[i:])
		}
	}
	return 0, netip.Addr{}
}

var linkPorts = map[netip.Addr]binding.Interface{
	netip.MustParseAddr(link0): acc0, netip.MustParseAddr(link1): acc1, netip.MustParseAddr(link2): acc2,
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A bench is a matcher with all around it.
type bench struct {
	*matcher
	opts  Options
	stats counters
	asked []string // what was put to Question: DUID@port
	now   time.Time
}

func newBench(change func(*Options)) *bench {
	b := &bench{now: epoch}
	b.opts = Options{
		Servers:         []Server{{Number: 1, Address: netip.MustParseAddr(serverAddr)}},
		Resolve:         byLink,
		MaxTransactions: 1000,
		TransactionTTL:  time.Minute,
		Question: func(client []byte, port binding.Interface) {
			b.asked = append(b.asked, string(client)+"@"+names[port])
		},
	}
	if change != nil {
		change(&b.opts)
	}
	b.matcher = newMatcher(&b.opts, &b.stats)
	b.ports = newPorts(topology(), epoch)
	return b
}

var names = map[binding.Interface]string{acc0: "acc0", acc1: "acc1", acc2: "acc2", core: "core0", ppp0: "ppp0"}

// see shows a packet that came in by an interface, and returns its fate and
// what it taught.
func (b *bench) see(on binding.Interface, data []byte) (string, []binding.Observation) {
	return b.seePacket(packet{data: data, index: int(on)})
}

func (b *bench) seePacket(p packet) (string, []binding.Observation) {
	p.at = b.now
	batch := binding.NewBatch() // not freed: the observations alias it
	fate := b.take(&p, batch)
	return counterNames[fate], batch.Observations
}

// fromCPE is a message of the first client on acc0.
func fromCPE(kind dhcpv6.MessageType, xid uint32, options ...[]byte) []byte {
	return udp6(cpe1, allRelays, portClient, portServer, dhcp(kind, xid, clientID(duid1), cat(options...)))
}

// toCPE is a Relay-reply of the server with a message for that client.
func toCPE(kind dhcpv6.MessageType, xid uint32, options ...[]byte) []byte {
	return fromServer(serverAddr, dhcp(kind, xid, clientID(duid1), serverID(dhcpd), cat(options...)))
}

func fromServer(src string, inner []byte, options ...[]byte) []byte {
	return udp6(src, relayAddr, portServer, portServer,
		relayed(dhcpv6.MessageTypeRelayReply, 0, link0, cpe1, relayMsg(inner), cat(options...)))
}

// want fails unless a packet had this fate.
func want(t *testing.T, got, fate string) {
	t.Helper()
	if got != fate {
		t.Errorf("fate is %s, want %s", got, fate)
	}
}
