package ondemand

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"golang.org/x/sys/unix"
)

const (
	// verifiedFor is for how long the route of a source, or of a destination,
	// isn't looked up again: most of what the rules cost is that look
	// (ONDEMAND.md 3.2).
	verifiedFor = 30 * time.Second
	// candidateFor is for how long a source is remembered that sent once: TCP
	// repeats its first segment after 1 s (RFC 6298, section 2).
	candidateFor = 2 * time.Second
	// bucketFor is for how long an unused bucket is kept; it is full before.
	// Indexes of interfaces are never used again, so their buckets must go.
	bucketFor = 30 * time.Second
)

// A table is our nftables table: what is in it, and how to write it.
type table struct {
	opts *Options
	name *nftables.Table

	access, core     *nftables.Set // names of interfaces
	macs             *nftables.Set // buckets of senders
	first, second    *nftables.Set // buckets of interfaces, for sources
	dest, destSecond *nftables.Set // and for destinations
	own              *nftables.Set // kinds of routes
	families         []*familySets // those that have blocks

	sets     []*nftables.Set
	elements map[*nftables.Set][]nftables.SetElement // that a set begins with
}

// familySets are the sets of an address family, and the parts of their keys.
type familySets struct {
	digit    string
	protocol byte // NFPROTO
	mask     int  // addresses that share so many bits are pending together

	source, dest             part // whole addresses
	sourcePrefix, destPrefix part // the first mask bits of them
	site, destSite           part // what is verified together

	blocks                 *nftables.Set
	verified, verifiedDest *nftables.Set
	pending, pendingDest   *nftables.Set
	candidates, senderless *nftables.Set
	scanned                *nftables.Set // candidates among destinations, with who sought them
}

// newTable lays out the table.
func newTable(o *Options) *table {
	t := &table{
		opts:     o,
		name:     &nftables.Table{Name: o.Table, Family: nftables.TableFamilyINet},
		elements: make(map[*nftables.Set][]nftables.SetElement),
	}
	t.access = t.spans("access", nftables.TypeIFName, nil)
	t.core = t.spans("core", nftables.TypeIFName, nil)
	t.own = t.set(&nftables.Set{Name: "own", KeyType: nftables.TypeFIBAddr, KeyByteOrder: binaryutil.NativeEndian})
	for _, kind := range ownRoutes {
		t.elements[t.own] = append(t.elements[t.own], nftables.SetElement{Key: binary.NativeEndian.AppendUint32(nil, kind)})
	}
	t.macs = t.filled("macs", o.Sizes.MACs, bucketFor, nftables.TypeIFIndex, nftables.TypeEtherAddr)
	t.first = t.filled("first", o.Sizes.Interfaces, bucketFor, nftables.TypeIFIndex)
	t.second = t.filled("second", o.Sizes.Interfaces, bucketFor, nftables.TypeIFIndex)
	t.dest = t.filled("dest", o.Sizes.Interfaces, bucketFor, nftables.TypeIFIndex)
	t.destSecond = t.filled("dest2", o.Sizes.Interfaces, bucketFor, nftables.TypeIFIndex)

	var blocks6, blocks4 []netip.Prefix
	for _, p := range o.Blocks {
		if p.Addr().Is4() {
			blocks4 = append(blocks4, p)
		} else {
			blocks6 = append(blocks6, p)
		}
	}
	if len(blocks6) > 0 {
		// A /64 is the smallest site there is, unless single addresses are
		// routed.
		f := &familySets{
			digit: "6", protocol: unix.NFPROTO_IPV6, mask: o.Mask6,
			source: addressPart(8, 16, 128), dest: addressPart(24, 16, 128),
			sourcePrefix: addressPart(8, 16, o.Mask6), destPrefix: addressPart(24, 16, o.Mask6),
			site: addressPart(8, 16, max(64, o.Mask6)), destSite: addressPart(24, 16, max(64, o.Mask6)),
		}
		t.addFamily(f, nftables.TypeIP6Addr, blocks6)
	}
	if len(blocks4) > 0 {
		f := &familySets{
			digit: "4", protocol: unix.NFPROTO_IPV4, mask: o.Mask4,
			source: addressPart(12, 4, 32), dest: addressPart(16, 4, 32),
			sourcePrefix: addressPart(12, 4, o.Mask4), destPrefix: addressPart(16, 4, o.Mask4),
			site: addressPart(12, 4, 32), destSite: addressPart(16, 4, 32),
		}
		t.addFamily(f, nftables.TypeIPAddr, blocks4)
	}
	return t
}

func (t *table) addFamily(f *familySets, address nftables.SetDatatype, blocks []netip.Prefix) {
	o := t.opts
	index, mac := nftables.TypeIFIndex, nftables.TypeEtherAddr
	f.blocks = t.spans("blocks"+f.digit, address, blockSpans(blocks))
	f.verified = t.filled("ok"+f.digit, o.Sizes.Verified, verifiedFor, index, address)
	f.verifiedDest = t.filled("okd"+f.digit, o.Sizes.Verified, verifiedFor, index, address)
	f.pending = t.filled("pend"+f.digit, o.Sizes.Pending, o.Pend, index, address)
	f.pendingDest = t.filled("pendd"+f.digit, o.Sizes.Pending, o.Pend, address)
	f.candidates = t.filled("cand"+f.digit, o.Sizes.Candidates, candidateFor, index, mac, address)
	f.senderless = t.filled("candp"+f.digit, o.Sizes.Candidates, candidateFor, index, address)
	f.scanned = t.filled("candd"+f.digit, o.Sizes.Candidates, candidateFor, address, address)
	t.families = append(t.families, f)
}

// set adds a set. The library numbers sets by itself, but not for two
// goroutines at once.
func (t *table) set(s *nftables.Set) *nftables.Set {
	t.sets = append(t.sets, s)
	s.Table, s.ID = t.name, uint32(len(t.sets))
	return s
}

// spans adds a set of ranges.
func (t *table) spans(name string, key nftables.SetDatatype, spans []span) *nftables.Set {
	s := t.set(&nftables.Set{Name: name, KeyType: key, Interval: true})
	t.elements[s] = rangeElements(spans)
	return s
}

// filled adds a set that packets fill and that empties by itself.
func (t *table) filled(name string, size uint32, timeout time.Duration, key ...nftables.SetDatatype) *nftables.Set {
	return t.set(&nftables.Set{
		Name: name, KeyType: nftables.MustConcatSetType(key...), Concatenation: len(key) > 1,
		KeyByteOrder: binaryutil.NativeEndian,
		Dynamic:      true, HasTimeout: true, Timeout: timeout, Size: size,
	})
}

// rangeElements are the elements that make up ranges.
func rangeElements(spans []span) (out []nftables.SetElement) {
	for _, s := range spans {
		out = append(out, nftables.SetElement{Key: s.start})
		if s.end != nil {
			out = append(out, nftables.SetElement{Key: s.end, IntervalEnd: true})
		}
	}
	return out
}

// family returns the sets of an address's family; nil if it has no blocks.
func (t *table) family(a netip.Addr) *familySets {
	for _, f := range t.families {
		if (f.protocol == unix.NFPROTO_IPV4) == a.Is4() {
			return f
		}
	}
	return nil
}
