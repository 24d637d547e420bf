package ondemand

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/sirupsen/logrus"
)

// A Rate is what a bucket lets through: it holds Burst at the start, and
// PerSecond more each second up to Burst again.
type Rate struct {
	PerSecond uint64 // 1 to 1,000,000
	Burst     uint32 // 1 to 1,000,000
}

// Rates are the buckets between a packet and its report (ONDEMAND.md 3.3). The
// zero Rate is the default of its field.
type Rates struct {
	// MAC is for each sender on an interface whose link has senders: 2, burst 5.
	MAC Rate
	// First is for each access interface: 100, burst 100. While it lasts, the
	// first packet of an unknown source is reported.
	First Rate
	// Second is for each access interface, once First is empty: 100, burst 100.
	// It is spent on sources that sent more than once in a few seconds, which
	// real hosts do and random ones don't.
	Second Rate
	// Candidates is how many addresses in a second are remembered to tell, for
	// all interfaces: 300,000, burst 30,000. A flood of more than that hides
	// new sources in proportion.
	Candidates Rate
	// Destinations is for each core interface: 100, burst 100; and again as much
	// for what somebody sought more than once in a few seconds.
	Destinations Rate
	// Total is for all sources of an address family, and again for all its
	// destinations: 500, burst 500.
	Total Rate
}

// Sizes bound what the kernel remembers, in elements of some 130 octets. A set
// that is full is as good as absent: the next stage judges. 0 is the default;
// 1,024 to 16,777,216 make sense.
type Sizes struct {
	Verified   uint32 // sources that have a route, for each family: 262,144
	Pending    uint32 // asked or suppressed, for each family and direction: 65,536
	Candidates uint32 // for each family: 1,048,576
	MACs       uint32 // 32,768
	Interfaces uint32 // 8,192
}

// An Interface is one of the box's.
type Interface struct {
	Name      string
	Addresses []netip.Prefix // with the length of their link's prefix
}

// Options is what an NFT needs. Interfaces and Log must be set.
type Options struct {
	// Table is the name of the nftables table, family inet: letters, digits,
	// "_" and "-". It is ours alone: what has that name is replaced. "":
	// DefaultTable.
	Table string
	// Group is the NFLOG group, which no other process may listen to: 1 to
	// 65535. 0: DefaultGroup.
	Group uint16

	// Access and Core are shell patterns (path.Match) of the names of the
	// interfaces that unknown sources and destinations come in by. A name that
	// matches both is core. A plain name, or one with an asterisk at its end
	// alone, is left to the kernel to match; any other is held against the
	// interfaces of now.
	Access, Core []string
	// Interfaces returns the interfaces of now. It may be called from any
	// goroutine and must not wait.
	Interfaces func() []Interface
	// Changed says that interfaces came or went. It may be closed, or nil:
	// then it is noticed some seconds later.
	Changed <-chan struct{}

	// Blocks is what addresses must be in to count. There is nothing to detect
	// in a family without.
	Blocks []netip.Prefix
	// Mask6 and Mask4 are the longest lengths that are delegated: addresses
	// that share so many bits share a report. Too short, and a subscriber
	// silences its neighbours; too long, and it is reported more often. 1 to
	// 128 and 1 to 32; 0: 64 and 32.
	Mask6, Mask4 int

	// Guard drops packets from unknown sources, which otherwise pass. It
	// fails closed: what a crash leaves behind goes on dropping.
	Guard bool
	// Keep leaves the table in the kernel when Run ends.
	Keep bool

	Rates Rates
	Sizes Sizes
	// Pend is for how long an address that was reported isn't again: longer
	// than an answer takes, retries included. 1 s to 10 min; 0: DefaultPend.
	Pend time.Duration

	Log *logrus.Entry
}

// Defaults of the options.
const (
	DefaultTable = "leaseroute"
	DefaultGroup = 100
	DefaultPend  = 5 * time.Second
)

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	o.Table = cmp.Or(o.Table, DefaultTable)
	o.Group = cmp.Or(o.Group, DefaultGroup)
	o.Pend = cmp.Or(o.Pend, DefaultPend)
	o.Mask6 = cmp.Or(o.Mask6, 64)
	o.Mask4 = cmp.Or(o.Mask4, 32)
	o.Rates = Rates{
		MAC:          cmp.Or(o.Rates.MAC, Rate{2, 5}),
		First:        cmp.Or(o.Rates.First, Rate{100, 100}),
		Second:       cmp.Or(o.Rates.Second, Rate{100, 100}),
		Candidates:   cmp.Or(o.Rates.Candidates, Rate{300_000, 30_000}),
		Destinations: cmp.Or(o.Rates.Destinations, Rate{100, 100}),
		Total:        cmp.Or(o.Rates.Total, Rate{500, 500}),
	}
	o.Sizes = Sizes{
		Verified:   cmp.Or(o.Sizes.Verified, 1<<18),
		Pending:    cmp.Or(o.Sizes.Pending, 1<<16),
		Candidates: cmp.Or(o.Sizes.Candidates, 1<<20),
		MACs:       cmp.Or(o.Sizes.MACs, 1<<15),
		Interfaces: cmp.Or(o.Sizes.Interfaces, 1<<13),
	}
	return o
}
