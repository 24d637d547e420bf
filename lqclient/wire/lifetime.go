package wire

import (
	"math"
	"time"

	"leaseroute/binding"
)

// infinite is the lifetime of what never expires (RFC 8415, section 7.7).
const infinite = math.MaxUint32

// LastTransaction returns when the client last dealt with the server: clt
// seconds before the message was made (R71).
func LastTransaction(made time.Time, clt uint32) time.Time {
	return made.Add(-seconds(clt))
}

// Expiry returns when a preferred or valid lifetime ends that was sent in a
// message made at that time (R73), binding.Forever if never. Kea takes the
// elapsed time off the infinite lifetime too (PEERS.md 2, fact 8).
func Expiry(made time.Time, lifetime, clt uint32) time.Time {
	if lifetime == infinite || uint64(lifetime)+uint64(clt) == infinite {
		return binding.Forever
	}
	return made.Add(seconds(lifetime))
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }
