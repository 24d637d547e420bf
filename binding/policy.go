package binding

import (
	"net/netip"
	"time"
)

// What a Policy means where it says nothing.
const (
	defaultEPS     = 2 * time.Second // R75
	defaultMaxJump = 1 << 32         // R84
)

// A Policy is what the operator allows and how doubtful cases are decided.
type Policy struct {
	// Allowed are the blocks that routes may lie in, canonical. An Address
	// that is to be installed must lie in one of them as well.
	Allowed []netip.Prefix
	// MinLength and MaxLength bound the length of a delegated prefix.
	MinLength, MaxLength int

	MaxPerClient int           // delegated prefixes of a client on one interface (RFC 8987 G-4, G-5); 0: no limit
	MaxPerPort   int           // delegated prefixes on one interface (G-6); 0: no limit
	MaxValid     time.Duration // cap on a valid lifetime; 0: none
	MaxBindings  int           // bound of the table; 0: as many as it can, about 16 million

	// CheckBefore is how long before its end a lease that nobody renewed is
	// asked about, at most an eighth of what it had left at the last word of
	// it; 0: never.
	CheckBefore time.Duration

	HoldDoubtful     bool // a doubtful lease gets no route before it is confirmed
	InstallAddresses bool // addresses get routes too; else they are only kept

	EPS     time.Duration // instants no further apart are a tie (R75); 0: 2 s
	MaxJump uint64        // of a server's sequence number (R84); 0: 2^32

	// FailSafeMargin is how long after a lease's end the kernel forgets its
	// route by itself; 0: the kernel's routes carry no expiry.
	FailSafeMargin time.Duration
	// AdoptHold is how long an adopted route without expiry stays when no
	// server claims or denies it; 0: for ever.
	AdoptHold time.Duration
}

// withDefaults returns p with the zero values that mean a default filled in.
func (p Policy) withDefaults() Policy {
	if p.EPS == 0 {
		p.EPS = defaultEPS
	}
	if p.MaxJump == 0 {
		p.MaxJump = defaultMaxJump
	}
	return p
}

// admits says why a route for k may not exist, whoever reports the lease
// (R37, DESIGN.md rule 2); NoReason if it may.
func (p *Policy) admits(k Key) Reason {
	if !p.insideAllowed(k.Prefix) {
		return OutsideAllowed
	}
	n := k.Prefix.Bits()
	if k.Kind == DelegatedPrefix && (n < p.MinLength || n > p.MaxLength) {
		return LengthNotAllowed
	}
	return NoReason
}

func (p *Policy) insideAllowed(q netip.Prefix) bool {
	for _, a := range p.Allowed {
		if a.Bits() <= q.Bits() && a.Contains(q.Addr()) {
			return true
		}
	}
	return false
}
