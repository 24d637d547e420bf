//go:build linux

package lab

import (
	"net/netip"
	"time"
)

// Kea prepares a Kea that holds no lease. The edge's router may ask it about
// its leases, also in bulk.
func (s Site) Kea(tree KeaTree, service Service) (*Kea, error) {
	return s.lab.NewKea(s.Space, tree, service.kea(s.Address), nil)
}

// Serve changes what Kea serves, from its next start or Reload on.
func (k *Kea) Serve(s Service) error { return k.Configure(s.kea(k.address)) }

// kea returns the configuration of a Kea at an address on the core link.
func (s Service) kea(server netip.Addr) KeaConfig {
	c := KeaConfig{
		Interface:   "core0",
		Address:     server,
		Requesters:  []netip.Addr{RouterAddress},
		Lifetimes:   s.Lifetimes,
		RapidCommit: s.RapidCommit,
	}
	for i, l := range s.Links {
		c.Subnets = append(c.Subnets, KeaSubnet{ID: uint32(i + 1), Prefix: l.Subnet, Pool: l.Addresses, PDPools: l.Blocks})
	}
	return c
}

// Held reads which leases are live at an instant, sorted by prefix, from Kea's
// own lease file. Kea may be running.
func (k *Kea) Held(now time.Time) ([]Lease, error) {
	all, err := k.Leases()
	if err != nil {
		return nil, err
	}
	var held []Lease
	for _, l := range all {
		if l.Live(now) {
			held = append(held, Lease{Prefix: l.Prefix, DUID: l.DUID, IAID: l.IAID, Until: l.until()})
		}
	}
	return held, nil
}

// until is when the lease runs out; the zero Time is never.
func (l KeaLease) until() time.Time {
	if l.Valid == KeaForever {
		return time.Time{}
	}
	return l.CLT.Add(time.Duration(l.Valid) * time.Second)
}

// Forget makes Kea hold no lease. It must not be running.
func (k *Kea) Forget() error { return k.WriteLeases(nil) }
