package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// check reports what is wrong with values only in the light of others, and
// warns about what is probably not meant. Values that were refused are zero.
func (l *loader) check(c *Config) {
	l.checkServers(c)
	l.checkInterfaceIDs(c.Interfaces.InterfaceIDs)
	l.checkAllowed(&c.Delegation)
	if c.OnDemand.Enabled && c.Routes.Table != 0 && c.Routes.Table != tableMain {
		l.at("routes.table").warn(c.Routes.Table, "is not main: subscribers are known to the on-demand rules only if the kernel's lookup leads there, rules by interface (ip rule iif) aside; with on_demand.mode guard their packets would be dropped", "main, or on_demand.enabled: false")
	}
	if user := protocolUser(c.Routes.Protocol); user != "" {
		l.at("routes.protocol").warn(c.Routes.Protocol, "is the number of "+user, "one that nobody else uses, such as 158")
	}
}

func (l *loader) checkServers(c *Config) {
	names, addresses := make(map[string]int), make(map[netip.AddrPort]int)
	for i, s := range c.Servers {
		if s.Name != "" {
			unique(l.at("servers"), i, "name", names, s.Name)
		}
		if s.Address.IsValid() {
			unique(l.at("servers"), i, "address", addresses, s.Address)
		}
		checkServer(l.at("servers").index(i), s, c)
	}
}

// checkServer is about one server. What it asks by must exist.
func checkServer(at place, s Server, c *Config) {
	if 0 < s.DataTimeout && s.DataTimeout < recommendedDataTimeout {
		at.field("data_timeout").warn(brief(s.DataTimeout), "is short for a busy server", "at least 300s (RFC 5460)")
	}
	if s.Name != "" && !s.Bulk && !s.Lookup {
		at.field("lookup").refuse(false, "leaves nothing to ask this server, since bulk is false too", "true, or bulk: true, or no such server")
	}
	if slices.Equal(s.Queries, []QueryType{ByRemoteID}) && len(c.RemoteIDs) == 0 {
		at.field("queries").refuse([]any{ByRemoteID}, "asks nothing, since remote_ids is empty", "another query type, or remote_ids")
	}
	if code := s.NotifyOption; code != 0 && code == s.SequenceOption {
		at.field("assignment_notification_option").refuse(code, "is the code of sequence_number_option", "one of its own")
	}
}

func (l *loader) checkInterfaceIDs(ids []InterfaceID) {
	seen := make(map[string]int)
	for i, id := range ids {
		if len(id.ID) > 0 {
			unique(l.at("interfaces.interface_ids"), i, "id", seen, string(id.ID))
		}
	}
}

// unique refuses a value that an earlier element of the list has.
func unique[K comparable](list place, i int, field string, seen map[K]int, v K) {
	if j, repeated := seen[v]; repeated {
		list.index(i).field(field).refuse(fmt.Sprint(v), "is that of "+list.index(j).key, "one of its own")
		return
	}
	seen[v] = i
}

// checkAllowed wants blocks that do not overlap, and that can hold a delegated
// prefix of some allowed length.
func (l *loader) checkAllowed(d *Delegation) {
	order := make([]int, len(d.Allowed))
	for i, p := range d.Allowed {
		order[i] = i
		if d.MaxLength > 0 && p.IsValid() && p.Bits() > d.MaxLength {
			l.at("delegation.allowed").index(i).refuse(p.String(),
				"is too small for the lengths", fmt.Sprintf("a length of at most %d, or longer delegation.lengths", d.MaxLength))
		}
	}
	slices.SortFunc(order, func(i, j int) int { return d.Allowed[i].Compare(d.Allowed[j]) })
	l.checkOverlaps(d.Allowed, order)
}

// checkOverlaps goes through blocks in ascending order, in which a block comes
// before those that it contains.
func (l *loader) checkOverlaps(blocks []netip.Prefix, order []int) {
	widest := -1 // the last block that none before contains
	for _, i := range order {
		switch {
		case !blocks[i].IsValid():
		case widest < 0 || !blocks[widest].Overlaps(blocks[i]):
			widest = i
		case blocks[widest] != blocks[i]: // the same twice was reported before
			l.at("delegation.allowed").index(i).refuse(blocks[i].String(),
				fmt.Sprintf("lies inside delegation.allowed[%d]", widest), "blocks that do not overlap")
		}
	}
}
