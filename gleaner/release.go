package gleaner

import (
	"leaseroute/binding"
)

// release reports on sight what the client in m.message gives back (RFC 8987,
// G-9; R89): a client does not wait for the Reply, which may be lost, and which
// names no lease. Whoever applies the observations holds them against the
// binding before it acts (DESIGN.md, rule 6): anybody may send a Release.
//
// An IA without a lease gives nothing back, for a server neither (RFC 8415,
// section 18.3.7), and one without SERVERID is discarded by all servers
// (section 16.9). No observation is made of those, for there is no key that it
// could have, but the client is asked about.
func (m *matcher) release(a *arrival, direct bool, batch *binding.Batch) counter {
	msg := &m.message
	if msg.server == nil || len(msg.leases) == 0 {
		m.ask(msg.client, a.on.Number, a.at)
		return releaseEmpty
	}
	o := binding.Observation{
		Statement:  binding.Released,
		Source:     binding.FromGlean,
		Exchange:   binding.OnRelease,
		Client:     batch.Bytes(msg.client),
		ServerDUID: batch.Bytes(msg.server),
		HasIAID:    true,
		Received:   a.at,
		CLT:        a.at,
	}
	relays := m.nest.virtual(a.on.link(), a.src)
	where := placeOf(a.on, m.resolve(relays), relays)
	for i := range msg.leases {
		l := &msg.leases[i]
		if !l.prefix.IsValid() {
			m.stats.count(leasesMalformed)
			continue
		}
		if direct {
			where = directPlace(a.on, a.src, l.kind)
		}
		o.Key = binding.Key{Kind: l.kind, Prefix: l.prefix}
		o.IAID, o.Interface, o.NextHop = l.iaid, where.port, where.hop
		batch.Observations = append(batch.Observations, o)
		m.stats.count(leasesReleased)
	}
	return released
}
