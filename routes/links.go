package routes

import (
	"maps"
	"net/netip"
	"path"
	"slices"
	"sync"
	"sync/atomic"

	"leaseroute/binding"
)

// LinksOptions says which interfaces are ours to use, and for what.
type LinksOptions struct {
	Access       []string // towards subscribers; shell patterns (path.Match)
	Core         []string // towards the servers; a name that matches both is core
	InterfaceIDs []InterfaceID
	RelayID      []byte // our own DUID; nil matches no layer
}

// InterfaceID maps the value of an Interface-Id option (RFC 8415, section
// 21.18) to the name of an access interface.
type InterfaceID struct {
	ID        []byte
	Interface string
}

// An Interface is one network interface as the last Refresh saw it.
type Interface struct {
	Name         string
	Number       binding.Interface // 0 unless Access or Core
	Index        int               // the kernel's
	Access, Core bool
	Up           bool // admin and oper up
	PointToPoint bool
	Addresses    []netip.Prefix // global ones, with the length of their link's prefix
	LinkLocal    []netip.Addr   // without a zone
}

// Links knows the interfaces, gives them numbers, and finds the port and next
// hop of a client (DESIGN.md 4). All methods may be called by any goroutine;
// the slices that they return must not be changed.
type Links struct {
	options LinksOptions
	mapped  map[string]binding.Interface // Interface-Id to access interface, by the operator's word
	now     atomic.Pointer[snapshot]

	refreshing sync.Mutex // the later list is the newer one

	mu      sync.RWMutex // guards the register of names
	numbers map[string]binding.Interface
	names   []string // by number; 0 is ""
}

// NewLinks returns a Links that knows no interface before the first Refresh.
func NewLinks(o LinksOptions) *Links {
	l := &Links{options: o, numbers: make(map[string]binding.Interface), names: []string{""}}
	l.mapIDs()
	l.now.Store(l.build(nil, nil))
	return l
}

// mapIDs numbers the interfaces that the operator has given Interface-Ids.
func (l *Links) mapIDs() {
	l.mapped = make(map[string]binding.Interface, len(l.options.InterfaceIDs))
	for _, m := range l.options.InterfaceIDs {
		if l.access(m.Interface) {
			l.mapped[string(m.ID)] = l.Number(m.Interface)
		}
	}
}

// Next returns a Links with other options, which goes on with l's numbers. Like
// a new one it knows no interface before its first Refresh.
func (l *Links) Next(o LinksOptions) *Links {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := &Links{options: o, numbers: maps.Clone(l.numbers), names: slices.Clone(l.names)}
	n.mapIDs()
	n.now.Store(n.build(nil, nil))
	return n
}

// Number returns the number of an interface's name, whether it exists now or
// not: given once, never reused. It is 0 for a name that is neither an access
// nor a core interface, so that names from elsewhere can't fill the register.
func (l *Links) Number(name string) binding.Interface {
	if !l.access(name) && !l.core(name) {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.number(name)
}

// number is Number for a name that qualifies, with mu held.
func (l *Links) number(name string) binding.Interface {
	n, ok := l.numbers[name]
	if !ok {
		n = binding.Interface(len(l.names))
		l.names = append(l.names, name)
		l.numbers[name] = n
	}
	return n
}

// Name returns the name that has number i, "" if none has.
func (l *Links) Name(i binding.Interface) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if int(i) >= len(l.names) {
		return ""
	}
	return l.names[i]
}

// Up reports whether the interface with number i is there, and up.
func (l *Links) Up(i binding.Interface) bool {
	return slices.ContainsFunc(l.Interfaces(), func(x Interface) bool { return i != 0 && x.Number == i && x.Up })
}

// Interfaces returns all interfaces, sorted by name.
func (l *Links) Interfaces() []Interface {
	return l.now.Load().interfaces
}

// access reports whether name is an access interface.
func (l *Links) access(name string) bool {
	return matches(l.options.Access, name) && !l.core(name)
}

// core reports whether name is a core interface, which never is a client's
// port, even if an access pattern matches it.
func (l *Links) core(name string) bool {
	return matches(l.options.Core, name)
}

// matches reports whether one of the patterns matches name. The configuration
// has refused malformed ones.
func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); ok && err == nil {
			return true
		}
	}
	return false
}
