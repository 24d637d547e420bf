// Package ondemand finds out about sources and destinations that no route of
// ours leads to, and has them asked about.
//
// A Detector notices their packets and reports each address as an Unknown,
// bounded in number whatever the network sends. NFT is the one there is: rules
// of nftables find the packets, the kernel's buckets bound them, and the few
// that are left come by NFLOG.
package ondemand

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// An Unknown is a packet whose source, or whose destination, no route of ours
// leads to.
type Unknown struct {
	Address   netip.Addr       // inside an allowed block
	Source    bool             // true: the packet came from Address; false: it was to go there
	Interface int              // kernel index of the interface that it came in by
	MAC       net.HardwareAddr // of the frame's sender, a hint at best; nil if the link has none
}

// A Detector reports unknown packets. Run may be called once; the other
// methods may be called by any goroutine, also before Run and after it.
type Detector interface {
	// Run detects until ctx ends, and then returns nil. It never closes out. If
	// out is full an Unknown is dropped and counted: its packets are reported
	// again some seconds later.
	Run(ctx context.Context, out chan<- Unknown) error

	// Ready is closed when packets are being detected. It stays open if Run
	// returns an error before.
	Ready() <-chan struct{}

	// Suppress keeps u, and what shares its longest possible delegated prefix,
	// from being reported again for ttl (a negative answer). A later call for
	// the same counts from then on anew. A source is suppressed on its own
	// interface only. It does nothing while nothing is detected, and is
	// forgotten when a detector has to begin anew. Its error says that the
	// kernel refused.
	Suppress(u Unknown, ttl time.Duration) error

	// Allow takes back what Suppress did for all of prefix p (gleaning or bulk
	// leasequery has shown it). It costs little where nothing is suppressed.
	Allow(p netip.Prefix) error

	// Stats returns the numbers of now by name, the kernel's included. Names
	// are snake_case and stable.
	Stats() map[string]uint64
}
