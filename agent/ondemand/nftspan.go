package ondemand

import (
	"bytes"
	"net/netip"
	"path"
	"slices"
	"strings"
)

// A span is a range of keys of one length, as the kernel compares them: octet
// by octet. It holds start, and not end; a nil end is past the last key.
type span struct{ start, end []byte }

// nameSize is what an interface's name takes in the kernel (IFNAMSIZ), with at
// least one zero at its end.
const nameSize = 16

// prefixSpan holds the addresses of a prefix.
func prefixSpan(p netip.Prefix) span {
	start := p.Masked().Addr().AsSlice()
	return span{start, after(start, p.Bits())}
}

// nameSpan holds the names that begin with s, or s alone. It is empty if no
// name can be like that.
func nameSpan(s string, exact bool) (span, bool) {
	if len(s) >= nameSize || exact && s == "" {
		return span{}, false
	}
	start := make([]byte, nameSize)
	copy(start, s)
	bits := 8 * len(s)
	if exact {
		bits = 8 * nameSize
	}
	return span{start, after(start, bits)}, true
}

// after returns the first key behind those that share the first bits with key;
// nil if there is none. The bits behind are zero.
func after(key []byte, bits int) []byte {
	end := slices.Clone(key)
	for i := (bits+7)/8 - 1; i >= 0; i-- {
		step := byte(1)
		if i == (bits-1)/8 {
			step = 1 << ((8 - bits%8) % 8)
		}
		if end[i] += step; end[i] != 0 {
			return end
		}
	}
	return nil
}

// joined returns spans in order with overlapping and touching ones made one:
// the kernel refuses overlaps.
func joined(spans []span) (out []span) {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b span) int { return bytes.Compare(a.start, b.start) })
	for _, s := range spans {
		last := len(out) - 1
		switch {
		case last < 0 || out[last].end != nil && bytes.Compare(out[last].end, s.start) < 0:
			out = append(out, s)
		case out[last].end != nil && (s.end == nil || bytes.Compare(s.end, out[last].end) > 0):
			out[last].end = s.end
		}
	}
	return out
}

// without returns what of spans is not in holes; both are joined.
func without(spans, holes []span) (out []span) {
	for _, s := range spans {
		whole := true
		for _, h := range holes {
			if h.end != nil && bytes.Compare(h.end, s.start) <= 0 || s.end != nil && bytes.Compare(h.start, s.end) >= 0 {
				continue
			}
			if bytes.Compare(s.start, h.start) < 0 {
				out = append(out, span{s.start, h.start})
			}
			if h.end == nil {
				whole = false
				break
			}
			s.start = h.end
			if s.end != nil && bytes.Compare(s.start, s.end) >= 0 {
				whole = false
				break
			}
		}
		if whole {
			out = append(out, s)
		}
	}
	return out
}

// blockSpans are the blocks of a family.
func blockSpans(blocks []netip.Prefix) []span {
	spans := make([]span, len(blocks))
	for i, p := range blocks {
		spans[i] = prefixSpan(p)
	}
	return joined(spans)
}

// nameSpans are the names that match one of the patterns. Those of now are
// what a pattern that isn't for the kernel is held against.
func nameSpans(patterns []string, now []Interface) []span {
	var spans []span
	add := func(name string, exact bool) {
		if s, ok := nameSpan(name, exact); ok {
			spans = append(spans, s)
		}
	}
	for _, p := range patterns {
		stem, tail := strings.CutSuffix(p, "*")
		if !strings.ContainsAny(stem, `*?[\`) {
			add(stem, !tail)
			continue
		}
		for _, i := range now {
			if ok, err := path.Match(p, i.Name); ok && err == nil {
				add(i.Name, true)
			}
		}
	}
	return joined(spans)
}

// ports are the names of the access and of the core interfaces. A name that is
// both is core.
func ports(o *Options, now []Interface) (access, core []span) {
	core = nameSpans(o.Core, now)
	return without(nameSpans(o.Access, now), core), core
}

// sameSpans reports whether two lists are the same.
func sameSpans(a, b []span) bool {
	return slices.EqualFunc(a, b, func(a, b span) bool {
		return bytes.Equal(a.start, b.start) && bytes.Equal(a.end, b.end)
	})
}
