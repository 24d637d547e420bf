package lqserver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/sirupsen/logrus"
)

// Options say how a Server works. DUID and one of Listener and Packets must be
// set; the zero value of everything else is usable.
type Options struct {
	// Listener is where requestors come in (TCP 547 by default, RFC 5460,
	// section 5.6, but that is the caller's to choose). Run closes it. nil: there
	// is no bulk leasequery.
	Listener net.Listener
	// Packets is where queries come in over UDP (port 547, RFC 5007, section
	// 4.2). Run closes it. nil: nothing is answered over UDP.
	Packets net.PacketConn
	// Elsewhere is where answers come from with DatagramFaults.Elsewhere: another
	// port, or another address. Run closes it. May be nil.
	Elsewhere net.PacketConn
	// DUID is what the server calls itself, 3 to 130 octets.
	DUID   []byte
	Manner Manner

	// MaxConns bounds the connections; more are closed at once (S21). 0: 10.
	MaxConns int
	// Concurrent is how many queries of one connection are worked on at a
	// time; their answers are interleaved, message by message. No query is
	// read beyond that (S32). 0: 1.
	Concurrent int
	// DataTimeout ends an idle or half-read connection, and one that doesn't
	// take what is written (S22). 0: 300 s.
	DataTimeout time.Duration
	// QueryRate bounds the queries a second over all connections and UDP; over
	// a connection they wait for their turn, over UDP they are dropped (S14).
	// 0: no bound.
	QueryRate float64

	// Allow are the requesters (S6). nil: everybody.
	Allow []netip.Prefix
	// RefuseWithStatus answers others with NotAllowed. Else their connections
	// are accepted and closed, and their datagrams dropped, as Kea does it.
	RefuseWithStatus bool
	// Denied are query types that are NotAllowed to anybody (S6).
	Denied []QueryType
	// Sensitive are options that are never given, whoever asks (S10).
	Sensitive []dhcpv6.OptionCode

	// SequenceOption is the code of the server's sequence number option in a
	// REPLY (S16). 0: not sent.
	SequenceOption uint16
	// SequenceInData puts it in each LEASEQUERY-DATA too. Without it only those
	// whose Binding has a Sequence get one.
	SequenceInData bool

	// Faults are those that the server begins with.
	Faults Faults
	// Log may be nil.
	Log *logrus.Entry
}

// withDefaults returns o with what was left out, or says what is missing.
func (o Options) withDefaults() (Options, error) {
	if o.Listener == nil && o.Packets == nil {
		return o, errors.New("options: neither listener nor packets")
	}
	if o.Listener != nil && o.Manner.AddressesOnly {
		return o, errors.New("options: a listener for a manner without bulk leasequery")
	}
	if len(o.DUID) < 3 || len(o.DUID) > 130 {
		return o, fmt.Errorf("options: DUID of %d octets, want 3 to 130", len(o.DUID))
	}
	if o.MaxConns == 0 {
		o.MaxConns = 10
	}
	if o.Concurrent == 0 {
		o.Concurrent = 1
	}
	if o.DataTimeout == 0 {
		o.DataTimeout = 300 * time.Second
	}
	if o.Log == nil {
		quiet := logrus.New()
		quiet.SetLevel(logrus.PanicLevel)
		o.Log = logrus.NewEntry(quiet)
	}
	return o, nil
}
