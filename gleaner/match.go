package gleaner

import (
	"errors"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"golang.org/x/time/rate"

	"leaseroute/binding"
)

// A packet is an IP packet as the capture saw it.
type packet struct {
	data       []byte // from the IP header on
	index      int    // of the interface
	outgoing   bool   // it leaves this box
	unfinished bool   // its UDP checksum is not to be checked
	truncated  bool   // data is only the first part
	at         time.Time
}

// Questions a second, and at once, that the gleaner puts: the answer costs the
// server a lookup each, and whoever takes them has a budget of its own.
const (
	questionRate  = 50
	questionBurst = 500
)

// A matcher turns packets into observations. It is pure: packets in,
// observations out, time told. It belongs to one goroutine.
type matcher struct {
	opts         *Options
	stats        *counters
	servers      servers
	transactions *transactions
	asking       *rate.Limiter
	ports        *ports

	// Of the packet that is looked at; used again and again.
	arrival arrival
	nest    nest
	message message
}

func newMatcher(o *Options, stats *counters) *matcher {
	return &matcher{
		opts: o, stats: stats,
		servers:      newServers(o.Servers),
		transactions: newTransactions(o.MaxTransactions, o.TransactionTTL, stats),
		asking:       rate.NewLimiter(questionRate, questionBurst),
		ports:        newPorts(nil, time.Time{}),
	}
}

// An arrival is a DHCPv6 message and the way it came. The relay's copies of
// what it passes on are arrivals too, in outgoing mode.
type arrival struct {
	on       *Interface
	outgoing bool
	at       time.Time
	src, dst netip.Addr
	toServer bool // to the server port
	payload  []byte
}

// take judges one packet: it appends what it teaches to batch and returns the
// packet's fate.
func (m *matcher) take(p *packet, batch *binding.Batch) counter {
	if p.truncated {
		return truncated
	}
	d, fate, ok := parseDatagram(p.data, !p.unfinished)
	if !ok {
		return fate
	}
	a := &m.arrival
	*a = arrival{
		on: m.ports.byIndex[p.index], outgoing: p.outgoing, at: p.at,
		src: d.src, dst: d.dst, toServer: d.dstPort == portServer, payload: d.payload,
	}
	switch {
	case a.on == nil:
		return unknownInterface
	case d.src.Is4() && (d.dstPort == portServer4 || d.dstPort == portClient4):
		return dhcpv4
	case d.src.Is4(), d.dstPort != portServer && d.dstPort != portClient:
		return notDHCP
	case len(d.payload) == 0:
		return malformedMessage
	}
	return m.takeMessage(a, batch)
}

// takeMessage tells clients' messages from servers'. To the client port only
// servers send (RFC 8415, section 7.2).
func (m *matcher) takeMessage(a *arrival, batch *binding.Batch) counter {
	switch kind := dhcpv6.MessageType(a.payload[0]); {
	case kind == dhcpv6.MessageTypeRelayReply:
		return m.takeRelayReply(a, batch)
	case !a.toServer:
		return m.takeDirectReply(a, batch)
	case kind == dhcpv6.MessageTypeRelayForward || fromClient(kind):
		return m.takeClient(a, batch)
	}
	return otherMessage
}

// fromClient reports whether clients send messages of this type about leases.
func fromClient(kind dhcpv6.MessageType) bool {
	switch kind {
	case dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeConfirm,
		dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRebind,
		dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeDecline:
		return true
	}
	return false
}

// fateOf names the counter for an error of nest.read or message.read.
func fateOf(err error, otherwise counter) counter {
	switch {
	case errors.Is(err, errTooManyRelays):
		return tooManyRelays
	case errors.Is(err, errTooManyLeases):
		return tooManyLeases
	}
	return otherwise
}

// ask puts the question what a client holds: its messages were not seen, or do
// not tell. The hook copies the DUID if it keeps it.
func (m *matcher) ask(client []byte, port binding.Interface, now time.Time) {
	switch {
	case m.opts.Question == nil || port == 0:
	case m.asking.AllowN(now, 1):
		m.stats.count(questions)
		m.opts.Question(client, port)
	default:
		m.stats.count(questionsSuppressed)
	}
}
