package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A node is a place in the tree of all keys.
type node struct {
	names    []string // of the members, in the order of the reference
	members  map[string]*node
	elements *node // of a list of mappings; nil for all else
}

// tree makes the tree of the given keys.
func tree(keys []Key) *node {
	root := &node{}
	for _, k := range keys {
		n := root
		for name := range strings.SplitSeq(k.Path, ".") {
			name, isList := strings.CutSuffix(name, "[]")
			n = n.member(name)
			if isList {
				n = n.element()
			}
		}
	}
	return root
}

// member is the member of that name, made if needed.
func (n *node) member(name string) *node {
	if n.members == nil {
		n.members = make(map[string]*node)
	}
	if n.members[name] == nil {
		n.members[name] = &node{}
		n.names = append(n.names, name)
	}
	return n.members[name]
}

// element is what n is a list of, made if needed.
func (n *node) element() *node {
	if n.elements == nil {
		n.elements = &node{}
	}
	return n.elements
}

// prune reports each key of m that n does not have, and each section that is
// no mapping, and gives the rest. A key without a value counts as absent.
func prune(n *node, p place, m map[string]any) map[string]any {
	known := make(map[string]any, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		at := p.field(name)
		member := n.members[name]
		if member == nil {
			p.report.add(Fault{Where: p.where, Key: at.key, What: unknown(n, p, name)})
			continue
		}
		if v := member.prune(at, m[name]); v != nil {
			known[name] = v
		}
	}
	return known
}

// prune gives v without unknown keys, or nil if nothing of it is usable.
func (n *node) prune(p place, v any) any {
	switch {
	case v == nil:
		return nil
	case n.members != nil:
		m, ok := mapping(v)
		if !ok {
			p.refuse(v, "is not a mapping", "a mapping with "+joined(n.names, "and"))
			return nil
		}
		return prune(n, p, m)
	case n.elements != nil:
		return n.elements.pruneList(p, v)
	}
	return v
}

// pruneList prunes the mappings in a list and leaves all else to the kinds.
func (n *node) pruneList(p place, v any) any {
	in, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]any, len(in))
	for i, e := range in {
		out[i] = e
		if m, ok := mapping(e); ok {
			out[i] = prune(n, p.index(i), m)
		}
	}
	return out
}

// mapping gives a mapping whose keys are text. YAML has others.
func mapping(v any) (map[string]any, bool) {
	switch m := v.(type) {
	case map[string]any:
		return m, true
	case map[any]any:
		out := make(map[string]any, len(m))
		for k, v := range m {
			out[fmt.Sprint(k)] = v
		}
		return out, true
	}
	return nil, false
}
