package routes

import (
	"cmp"
	"net/netip"
	"slices"

	"leaseroute/binding"
)

// A device is an interface as the kernel describes it.
type device struct {
	index        int32
	name         string
	adminUp      bool
	up           bool // admin and oper up
	pointToPoint bool
}

// An address is one address of a device: the host's own, the link's prefix,
// and the peer's (which differs from the former's only on a point-to-point
// link).
type address struct {
	index int32
	own   netip.Addr
	link  netip.Prefix // canonical
}

// A snapshot is what Links knows at one instant. It is immutable.
type snapshot struct {
	devices    []device
	interfaces []Interface // sorted by name

	byNumber  []port                             // indexed by number; index 0 where there is no such interface
	numberOf  map[int32]binding.Interface        // by the kernel's index
	access    map[int32]binding.Interface        // likewise, access interfaces only
	ports     map[string]binding.Interface       // likewise, by name
	owner     map[netip.Addr]binding.Interface   // who has this address: 0 if it names no one port
	onLink    map[netip.Prefix]binding.Interface // the access interface with this connected prefix: 0 if several
	lengths   []int                              // of onLink's prefixes, longest first
	connected []netip.Prefix                     // of all interfaces: disjoint and sorted, see overlaps
}

// A port is what the installer needs of an interface.
type port struct {
	index        int32 // 0: there is no such interface
	adminUp      bool
	pointToPoint bool
}

// build makes a snapshot. It gives numbers to names that it sees for the first
// time; mu is held, or l is not yet shared.
func (l *Links) build(devices []device, addresses []address) *snapshot {
	addresses, local := apart(addresses)
	s := &snapshot{
		devices:  devices,
		numberOf: make(map[int32]binding.Interface, len(devices)),
		access:   make(map[int32]binding.Interface, len(devices)),
		ports:    make(map[string]binding.Interface),
		owner:    make(map[netip.Addr]binding.Interface, len(addresses)),
		onLink:   make(map[netip.Prefix]binding.Interface),
	}
	of := make(map[int32][]netip.Prefix)
	for _, a := range addresses {
		of[a.index] = append(of[a.index], netip.PrefixFrom(a.own, a.link.Bits()))
	}
	for _, own := range of {
		slices.SortFunc(own, netip.Prefix.Compare)
	}
	for _, d := range devices {
		s.addDevice(l, d, of[d.index], local[d.index])
	}
	for _, a := range addresses {
		s.addAddress(a)
	}
	for _, a := range addresses {
		if _, known := s.owner[a.own]; !known {
			s.owner[a.own] = 0
		}
	}
	s.connected = disjoint(s.connected)
	slices.SortFunc(s.interfaces, func(a, b Interface) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.lengths, func(a, b int) int { return b - a })
	s.lengths = slices.Compact(s.lengths)
	return s
}

// apart takes the link-local addresses out, which name no link and are the
// same on many: they are kept by the kernel's index of their interface.
func apart(all []address) (global []address, local map[int32][]netip.Addr) {
	local = make(map[int32][]netip.Addr)
	for _, a := range all {
		if a.own.IsLinkLocalUnicast() {
			local[a.index] = append(local[a.index], a.own)
		} else {
			global = append(global, a)
		}
	}
	return global, local
}

func (s *snapshot) addDevice(l *Links, d device, addresses []netip.Prefix, local []netip.Addr) {
	i := Interface{
		Name: d.name, Index: int(d.index), Access: l.access(d.name), Core: l.core(d.name),
		Up: d.up, PointToPoint: d.pointToPoint, Addresses: addresses, LinkLocal: local,
	}
	if i.Access || i.Core {
		i.Number = l.number(d.name)
		s.numberOf[d.index] = i.Number
		if grow := int(i.Number) + 1 - len(s.byNumber); grow > 0 {
			s.byNumber = append(s.byNumber, make([]port, grow)...)
		}
		s.byNumber[i.Number] = port{d.index, d.adminUp, d.pointToPoint}
	}
	if i.Access {
		s.access[d.index] = i.Number
		s.ports[d.name] = i.Number
	}
	s.interfaces = append(s.interfaces, i)
}

// addAddress enters an address. One that several access interfaces share (a
// gateway's, the same on every port) names none of them.
func (s *snapshot) addAddress(a address) {
	s.connected = append(s.connected, a.link, netip.PrefixFrom(a.own, a.own.BitLen()))
	if n := s.access[a.index]; n != 0 {
		enter(s.owner, a.own, n)
		enter(s.onLink, a.link, n)
		s.lengths = append(s.lengths, a.link.Bits())
	}
}

// enter sets m[key] to n, or to 0 if another number is there.
func enter[K comparable](m map[K]binding.Interface, key K, n binding.Interface) {
	if old, known := m[key]; known && old != n {
		n = 0
	}
	m[key] = n
}

// port returns what is known of interface i: the zero port if it is not there.
func (s *snapshot) port(i binding.Interface) port {
	if int(i) >= len(s.byNumber) {
		return port{}
	}
	return s.byNumber[i]
}
