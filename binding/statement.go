package binding

import "time"

// longestDUID is the most that RFC 8415, section 11.1, allows.
const longestDUID = 130

// A statement is an observation in the table's own terms.
type statement struct {
	*Observation
	claim
	key       packedKey
	hash      uint64 // of the key
	preferred instant
}

// read converts the observation of s. It reports false for one that can't be
// used.
func (t *Table) read(s *statement) bool {
	o := s.Observation
	if !wellFormed(o) {
		return false
	}
	s.key = pack(Key{Kind: o.Key.Kind, Prefix: o.Key.Prefix.Masked()})
	s.hash = t.hash(s.key)
	n := t.identities.number(o.ServerDUID)
	s.claim = claim{
		received: t.instant(o.Received), source: o.Source, server: o.Server,
		identity: n, serverDUID: t.identities.duid(n), sequence: t.sequenceOf(o, n),
		client: o.Client, port: o.Interface,
	}
	// A client can't have spoken after the message that says so was made.
	s.clt = min(t.instant(o.CLT), s.claim.received)
	if o.Statement == Denied {
		s.clt = t.instant(o.CLT) // the instant of the question
	}
	if o.Interface != 0 {
		s.hop = packHop(o.NextHop)
	}
	t.readLifetimes(s)
	return true
}

// readLifetimes caps what the server promises by max_valid, and the preferred
// lifetime by the valid one (R37). An absent preferred lifetime is as long.
func (t *Table) readLifetimes(s *statement) {
	s.valid = t.expiry(s.ValidUntil)
	if m := t.policy.MaxValid; m > 0 {
		s.valid = min(s.valid, s.claim.received+instant(m))
	}
	s.preferred = s.valid
	if s.PreferredUntil != (time.Time{}) {
		s.preferred = min(t.expiry(s.PreferredUntil), s.valid)
	}
}

func wellFormed(o *Observation) bool {
	p := o.Key.Prefix
	if !p.IsValid() || p.Bits() == 0 || o.Key.Kind > Address || o.Key.Kind == Address && !p.IsSingleIP() {
		return false
	}
	if o.Server > MaxServers || len(o.Client) > longestDUID || o.Source == FromKernel {
		return false
	}
	return len(o.Client) > 0 || o.Statement != Held && o.Statement != Withdrawn // R36
}

// setLifetimes stores both ends. Their distance is in whole seconds, as they
// were on the wire; with no end of the valid lifetime it is the instant itself.
func (r *record) setLifetimes(valid, preferred instant) {
	r.valid = valid
	if valid == forever {
		r.preferred = preferred.second()
		return
	}
	gap := (valid - preferred) / instant(time.Second)
	r.preferred = second(min(gap, instant(lastSecond-1)))
}

func (r *record) preferredUntil() instant {
	if r.valid == forever {
		return r.preferred.instant()
	}
	return r.valid - instant(r.preferred)*instant(time.Second)
}
