package routes

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// aggregateMetric is that of covering routes: worse than anybody's, so that a
// foreign aggregate that comes later wins.
const aggregateMetric = 4096

// clockTick is the unit of the kernel's lifetimes (USER_HZ).
const clockTick = 10 * time.Millisecond

// A route is one entry of the kernel's forwarding table.
type route struct {
	prefix    netip.Prefix // canonical
	gateway   netip.Addr   // invalid: a device route, or none
	index     int32        // of the interface; 0: none, or several
	metric    uint32
	table     uint32
	protocol  uint8
	kind      uint8 // unix.RTN_UNICAST, unix.RTN_BLACKHOLE, ...
	multipath bool  // several next hops: gateway and index are not set
	cached    bool
	expires   time.Duration // until the kernel removes it; 0: never
}

// aggregate reports whether r looks like a covering route of ours.
func (r *route) aggregate() bool {
	return r.kind == unix.RTN_BLACKHOLE && r.metric == aggregateMetric
}

// connected reports whether r is the kernel's own route to a link's prefix.
func (r *route) connected() bool {
	return r.protocol == unix.RTPROT_KERNEL && r.kind == unix.RTN_UNICAST
}

// bare returns what names r, whatever its next hops.
func (r *route) bare() route {
	return route{prefix: r.prefix, metric: r.metric}
}

// parseRoute decodes the payload of an RTM_NEWROUTE or RTM_DELROUTE. The error
// wraps errTruncated.
func parseRoute(b []byte) (route, error) {
	if len(b) < unix.SizeofRtMsg {
		return route{}, fmt.Errorf("route of %d octets: %w", len(b), errTruncated)
	}
	bits := int(b[1])
	r := route{
		table: uint32(b[4]), protocol: b[5], kind: b[7],
		cached: native.Uint32(b[8:])&unix.RTM_F_CLONED != 0,
	}
	to := netip.IPv6Unspecified()
	if b[0] == unix.AF_INET {
		to = netip.IPv4Unspecified()
	}
	for rest := b[unix.SizeofRtMsg:]; len(rest) > 0; {
		kind, value, next, err := nextAttribute(rest)
		if err != nil {
			return route{}, err
		}
		if kind == unix.RTA_DST {
			to, err = addressOf(value)
		} else {
			err = r.attribute(kind, value)
		}
		if err != nil {
			return route{}, err
		}
		rest = next
	}
	var err error
	if r.prefix, err = to.Prefix(bits); err != nil {
		return route{}, fmt.Errorf("destination: %w: %w", err, errTruncated)
	}
	return r, nil
}

// attribute takes one attribute in; those that don't matter are skipped.
func (r *route) attribute(kind uint16, value []byte) (err error) {
	var n uint32
	switch kind {
	case unix.RTA_GATEWAY:
		r.gateway, err = addressOf(value)
	case unix.RTA_OIF:
		n, err = uint32Of(value)
		r.index = int32(n)
	case unix.RTA_PRIORITY:
		r.metric, err = uint32Of(value)
	case unix.RTA_TABLE:
		r.table, err = uint32Of(value)
	case unix.RTA_MULTIPATH:
		r.multipath = true
	case unix.RTA_CACHEINFO:
		r.expires, err = expiryOf(value)
	}
	return err
}

// addressOf reads an attribute that is an address.
func addressOf(value []byte) (netip.Addr, error) {
	a, ok := netip.AddrFromSlice(value)
	if !ok {
		return a, fmt.Errorf("address of %d octets: %w", len(value), errTruncated)
	}
	return a, nil
}

// expiryOf reads rta_expires, the third number of struct rta_cacheinfo. One
// that has passed (the kernel removes such routes late) is the shortest.
func expiryOf(value []byte) (time.Duration, error) {
	const offset = 8
	if len(value) < offset+4 {
		return 0, fmt.Errorf("cache information of %d octets: %w", len(value), errTruncated)
	}
	ticks := int32(native.Uint32(value[offset:]))
	if ticks < 0 {
		ticks = 1
	}
	return time.Duration(ticks) * clockTick, nil
}
