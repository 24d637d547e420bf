package gleaner

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/binding"
)

// judge decides what a Reply to a transaction may teach. Replies to Release,
// Decline and Confirm name no lease that anybody holds (RFC 8415, section
// 18.3), and whatever they name anyway is not believed. A Confirm that was
// granted says that the client has leases here, and not until when: a server is
// asked (R98).
func (m *matcher) judge(w *answer, t *transaction, batch *binding.Batch) counter {
	msg := &m.message
	for _, s := range msg.statuses {
		m.stats.count(statusCounter(s))
	}
	switch {
	case msg.status != iana.StatusSuccess:
		m.stats.count(statusCounter(msg.status))
		return refused
	case t.kind == dhcpv6.MessageTypeSolicit && !msg.rapidCommit:
		return noRapidCommit
	}
	switch t.kind {
	case dhcpv6.MessageTypeConfirm:
		m.ask(msg.client, t.port, w.at)
		return empty
	case dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeDecline:
		return empty
	}
	before := len(batch.Observations)
	m.teach(w, t, batch)
	if len(batch.Observations) == before {
		return empty
	}
	return taught
}

// teach reports the leases of a Reply, then those of the assignment
// notification option around it.
func (m *matcher) teach(w *answer, t *transaction, batch *binding.Batch) {
	o := binding.Observation{
		Source:     binding.FromGlean,
		Exchange:   replyTo(t.kind),
		Server:     w.server.Number,
		Client:     batch.Bytes(m.message.client),
		ServerDUID: batch.Bytes(m.message.server),
		HasIAID:    true,
		Received:   w.at,
		CLT:        w.at, // R74
	}
	m.takeSequence(&o, w.server)
	at := m.placer(w, t)
	for i := range m.message.leases {
		m.report(o, &m.message.leases[i], at, batch)
	}
	o.Source, o.HasIAID = binding.FromNotify, false
	m.notified(o, w.server, at, batch)
}

// replyTo names what a Reply answers.
func replyTo(kind dhcpv6.MessageType) binding.Exchange {
	switch kind {
	case dhcpv6.MessageTypeSolicit:
		return binding.ReplyToSolicit
	case dhcpv6.MessageTypeRequest:
		return binding.ReplyToRequest
	case dhcpv6.MessageTypeRenew:
		return binding.ReplyToRenew
	case dhcpv6.MessageTypeRebind:
		return binding.ReplyToRebind
	}
	return binding.NoExchange
}

// placer returns where the client of a Reply is, for each kind of lease.
func (m *matcher) placer(w *answer, t *transaction) (at [2]place) {
	on := m.ports.byNumber[t.port]
	switch {
	case on == nil: // the interface went between question and answer
	case w.direct:
		at[binding.DelegatedPrefix] = directPlace(on, w.peer, binding.DelegatedPrefix)
		at[binding.Address] = directPlace(on, w.peer, binding.Address)
	default:
		here := placeOf(on, w.named, w.relays)
		at = [2]place{here, here}
	}
	return at
}

// report appends the observation that one lease of a Reply makes. o has what
// all of them share.
func (m *matcher) report(o binding.Observation, l *lease, at [2]place, batch *binding.Batch) {
	switch {
	case !l.prefix.IsValid():
		m.stats.count(leasesMalformed)
		return
	case l.status == iana.StatusNoBinding || l.status == iana.StatusSuccess && l.valid == 0:
		o.Statement = binding.Withdrawn // L15
		m.stats.count(leasesWithdrawn)
	case l.status != iana.StatusSuccess:
		m.stats.count(leasesRefused)
		return
	case l.preferred > l.valid: // R37
		m.stats.count(lifetimesCrossed)
		return
	default:
		o.Statement = binding.Held
		o.ValidUntil, o.PreferredUntil = expiry(o.Received, l.valid), expiry(o.Received, l.preferred)
		m.stats.count(leasesHeld)
	}
	o.Key = binding.Key{Kind: l.kind, Prefix: l.prefix}
	o.Interface, o.NextHop = at[l.kind].port, at[l.kind].hop
	if o.HasIAID {
		o.IAID = l.iaid
	}
	batch.Observations = append(batch.Observations, o)
}

// expiry turns a lifetime into an instant (R73).
func expiry(from time.Time, lifetime uint32) time.Time {
	if lifetime == math.MaxUint32 {
		return binding.Forever
	}
	return from.Add(time.Duration(lifetime) * time.Second)
}

// takeSequence takes the server's sequence number out of the outermost
// Relay-reply (R82, 2.5.4): of several the first that can be used.
func (m *matcher) takeSequence(o *binding.Observation, s *Server) {
	if s.SequenceOption == 0 {
		return
	}
	for rest := m.nest.outer; len(rest) > 0 && !o.HasSequence; {
		code, value, next, err := rest.next()
		if err != nil {
			return // not with options that nest.read has accepted
		}
		rest = next
		switch {
		case code != dhcpv6.OptionCode(s.SequenceOption):
		case len(value) == 4:
			o.Sequence, o.HasSequence, o.Sequence32 = uint64(binary.BigEndian.Uint32(value)), true, true
		case len(value) == 8:
			o.Sequence, o.HasSequence = binary.BigEndian.Uint64(value), true
		default:
			m.stats.count(sequenceUnusable)
		}
	}
}

// notified reports the leases of the assignment notification option: IAADDR
// and IAPREFIX without an IA around them (2.5.5).
func (m *matcher) notified(o binding.Observation, s *Server, at [2]place, batch *binding.Batch) {
	if s.NotifyOption == 0 {
		return
	}
	before := len(batch.Observations)
	for rest := m.nest.outer; len(rest) > 0; {
		code, value, next, err := rest.next()
		if err != nil {
			return // as above
		}
		rest = next
		if code != dhcpv6.OptionCode(s.NotifyOption) {
			continue
		}
		if err := m.message.readNotification(value); err != nil {
			m.stats.count(leasesMalformed)
			continue
		}
		for i := range m.message.leases {
			m.report(o, &m.message.leases[i], at, batch)
		}
	}
	m.stats[leasesNotified].Add(uint64(len(batch.Observations) - before))
}

// statusCounter names the counter of a status other than Success.
func statusCounter(s iana.StatusCode) counter {
	switch s {
	case iana.StatusUnspecFail:
		return unspecFail
	case iana.StatusNoAddrsAvail:
		return noAddrsAvail
	case iana.StatusNoBinding:
		return noBinding
	case iana.StatusNotOnLink:
		return notOnLink
	case iana.StatusUseMulticast:
		return useMulticast
	case iana.StatusNoPrefixAvail:
		return noPrefixAvail
	}
	return otherStatus
}
