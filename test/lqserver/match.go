package lqserver

import (
	"bytes"
	"net/netip"
	"slices"
)

// holds reports whether the match asks for b, active or not.
func (m *Match) holds(b *Binding, segments []netip.Prefix) bool {
	if b.Withheld && m.Type.bulk() {
		return false
	}
	if m.Segment.IsValid() && b.segment(segments) != m.Segment {
		return false
	}
	switch m.Type {
	case ByAddress:
		return b.Prefix.Contains(m.Address)
	case ByClientID:
		return bytes.Equal(b.Client, m.Client)
	case ByRelayID:
		return slices.ContainsFunc(b.Relays, func(r Relay) bool { return bytes.Equal(r.RelayID, m.RelayID) })
	case ByRemoteID:
		return slices.ContainsFunc(b.Relays, func(r Relay) bool { return bytes.Equal(r.RemoteID, m.RemoteID) })
	case ByLinkAddress:
		return true // the segment says it all
	}
	return false
}
