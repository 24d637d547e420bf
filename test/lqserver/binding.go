package lqserver

import (
	"net/netip"
	"time"
)

// Infinite is the lifetime that never runs out (RFC 8415, section 7.7).
const Infinite = 0xffffffff * time.Second

// A Binding is one lease as the server's database has it: what was granted and
// when, not what is left of it. Its byte slices are never written to.
type Binding struct {
	Client    []byte       // the client's DUID, 3 to 130 octets
	Prefix    netip.Prefix // canonical; of length 128 for an address
	Delegated bool         // a delegated prefix (IAPREFIX), else an address (IAADDR)

	Preferred time.Duration // as granted, whole seconds; Infinite
	Valid     time.Duration
	Last      time.Time // when the client last dealt with the server
	Released  bool      // the client gave it back: kept, but not active
	Withheld  bool      // left out of bulk answers: told by address and by client-id only

	// Relays are the relay agents of the client's latest message, that nearest
	// the server first. Empty: the server did not remember them (S11), or the
	// client was on the server's own link.
	Relays []Relay
	// From is the address that message reached the server from, the
	// peer-address of OPTION_LQ_RELAY_DATA. Invalid: the peer-address of the
	// first of Relays, which is what Kea gives.
	From netip.Addr

	// Sequence is the server's sequence number for the message that carries
	// this binding. 0: the server's counter gives one (S16).
	Sequence uint64
}

// A Relay is one Relay-forward header (RFC 8415, section 9.1) with the options
// that a server remembers (S37). A nil option was not there.
type Relay struct {
	Link        netip.Addr // link-address; "::" or invalid if the relay gave none
	Peer        netip.Addr // peer-address
	InterfaceID []byte     // OPTION_INTERFACE_ID
	RelayID     []byte     // OPTION_RELAY_ID, a DUID
	RemoteID    []byte     // OPTION_REMOTE_ID: enterprise number (4 octets), then at least one octet
}

// elapsed is the CLT_TIME of the binding: whole seconds, never negative.
func (b *Binding) elapsed(now time.Time) time.Duration {
	return max(now.Sub(b.Last), 0).Truncate(time.Second)
}

// active reports whether the lease still runs. Only such leases are reported
// by a conforming server (S9).
func (b *Binding) active(now time.Time) bool {
	return !b.Released && (b.Valid == Infinite || b.Valid > b.elapsed(now))
}

// segment returns which of the server's links the client is on: that of the
// link-address nearest the client, or else that which its address lies in.
// Zero if it is on none.
func (b *Binding) segment(segments []netip.Prefix) netip.Prefix {
	for i := len(b.Relays) - 1; i >= 0; i-- {
		if link := b.Relays[i].Link; link.IsValid() && !link.IsUnspecified() {
			return covering(segments, link)
		}
	}
	return covering(segments, b.Prefix.Addr())
}

// covering returns the first of prefixes that holds a, zero if none does.
func covering(prefixes []netip.Prefix, a netip.Addr) netip.Prefix {
	for _, p := range prefixes {
		if p.Contains(a) {
			return p
		}
	}
	return netip.Prefix{}
}
