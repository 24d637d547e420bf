package lqclient

import (
	"time"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// state fills in what a lease says, in a client data made at that time with
// that CLT_TIME in seconds.
func (d *decoder) state(o *binding.Observation, l *wire.Lease, made time.Time, clt uint32) {
	counters := &d.notes.counters
	o.Key = keyOf(l)
	if o.Interface == 0 && !l.Delegated && d.options.ResolveAddress != nil {
		o.Interface = d.options.ResolveAddress(l.Prefix.Addr())
	}
	if l.Valid == 0 { // R88
		count(&counters.Withdrawn)
		o.Statement, o.ValidUntil, o.PreferredUntil = binding.Withdrawn, made, made
		return
	}
	var capped bool
	o.ValidUntil, o.PreferredUntil, capped = expiry(made, l, clt)
	if capped {
		count(&counters.PreferredCapped)
	}
	if d.source == binding.FromBulk && isDoubtful(l, clt) {
		count(&counters.Doubtful)
		o.Doubtful = true
	}
}

// expiry returns until when a lease is valid and preferred (R73). Some servers
// send a preferred lifetime above the valid one for leases that are alive: it
// is cut to that (R37).
func expiry(made time.Time, l *wire.Lease, clt uint32) (valid, preferred time.Time, capped bool) {
	valid = wire.Expiry(made, l.Valid, clt)
	preferred = wire.Expiry(made, l.Preferred, clt)
	if preferred.After(valid) {
		return valid, valid, true
	}
	return valid, preferred, false
}

// isDoubtful reports whether a bulk answer may tell of a lease that is long
// over: the client last spoke longer ago than the lease is valid (PEERS.md 2,
// fact 2). Healthy leases past half of their lifetime look the same: ask.
func isDoubtful(l *wire.Lease, clt uint32) bool {
	return l.Valid != 0 && clt >= l.Valid && wire.Expiry(time.Time{}, l.Valid, clt) != binding.Forever
}

// keyOf returns which lease l is.
func keyOf(l *wire.Lease) binding.Key {
	kind := binding.Address
	if l.Delegated {
		kind = binding.DelegatedPrefix
	}
	return binding.Key{Kind: kind, Prefix: l.Prefix}
}
