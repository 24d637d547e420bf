package gleaner

import (
	"net/netip"
	"time"

	"leaseroute/binding"
)

// An Interface is one interface of this box. Its role is what the
// configuration calls it; it may have both roles.
type Interface struct {
	Name         string
	Index        int // of the kernel
	Number       binding.Interface
	Access, Core bool           // towards subscribers, towards the servers
	Addresses    []netip.Prefix // with host bits; link-local ones too, of any length
	PointToPoint bool
}

// link returns an address that a relay on this box may call the interface by
// (RFC 8415, section 19.1.1): the first global one, or "::" if there is none.
func (i *Interface) link() netip.Addr {
	for _, p := range i.Addresses {
		if a := p.Addr(); a.Is6() && a.IsGlobalUnicast() && !a.IsLinkLocalUnicast() {
			return a
		}
	}
	return netip.IPv6Unspecified()
}

// connected reports whether an address is on the interface's own link.
func (i *Interface) connected(a netip.Addr) bool {
	for _, p := range i.Addresses {
		if p.Contains(a) && !p.IsSingleIP() {
			return true
		}
	}
	return false
}

// A view of the interfaces is renewed when it is this old, as their addresses
// change without a word on Options.Changed; and sooner if it lacks one, which
// may have just appeared, or be none of ours and chatty.
const (
	portsAge     = time.Second
	portsAgeMiss = 10 * time.Millisecond
)

// ports is a view of the interfaces at one instant.
type ports struct {
	taken    time.Time
	byIndex  map[int]*Interface
	byNumber map[binding.Interface]*Interface
	own      map[netip.Addr]bool // all addresses of ours
}

// stale reports whether the view should be renewed to judge a packet that an
// interface received at a time.
func (p *ports) stale(index int, at time.Time) bool {
	age := at.Sub(p.taken)
	return age >= portsAge || age >= portsAgeMiss && p.byIndex[index] == nil
}

// newPorts makes a view. It keeps the slice.
func newPorts(interfaces []Interface, taken time.Time) *ports {
	p := &ports{
		taken:    taken,
		byIndex:  make(map[int]*Interface, len(interfaces)),
		byNumber: make(map[binding.Interface]*Interface, len(interfaces)),
		own:      make(map[netip.Addr]bool, len(interfaces)),
	}
	for n := range interfaces {
		i := &interfaces[n]
		if i.Access || i.Core {
			p.byIndex[i.Index] = i
			p.byNumber[i.Number] = i
		}
		for _, a := range i.Addresses {
			p.own[a.Addr().WithZone("")] = true
		}
	}
	return p
}
