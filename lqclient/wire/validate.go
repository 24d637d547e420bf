package wire

import (
	"errors"
	"fmt"
	"net/netip"
)

// Validate reports all that keeps q from being sent: an unknown type, a
// link-address that is not global (R8), a missing, superfluous or malformed
// field (table 1.4). A query is the operator's or our own doing.
func (q Query) Validate() error {
	if q.Type < ByAddress || q.Type > ByRemoteID {
		return fmt.Errorf("%s: not a query type of RFC 5007 or RFC 5460", q.Type)
	}
	return errors.Join(
		q.validateLink(),
		q.validateField(ByAddress, "address", q.Address.IsValid()),
		q.validateField(ByClientID, "client-id", len(q.ClientID) > 0),
		q.validateField(ByRelayID, "relay-id", len(q.RelayID) > 0),
		q.validateField(ByRemoteID, "remote-id", len(q.RemoteID) > 0),
	)
}

// validateField holds a field against the type that needs it.
func (q Query) validateField(owner QueryType, name string, set bool) error {
	switch {
	case q.Type != owner && set:
		return fmt.Errorf("%s: not part of a query by %s", name, q.Type)
	case q.Type != owner:
		return nil
	case !set:
		return fmt.Errorf("%s: missing", name)
	}
	switch owner {
	case ByClientID:
		return ownDUID(name, q.ClientID)
	case ByRelayID:
		return ownDUID(name, q.RelayID)
	case ByRemoteID:
		return checkRemoteID(q.RemoteID)
	default:
		return q.validateAddress()
	}
}

// validateAddress wants an address that a client may hold; a link-local one
// means nothing without its link (RFC 5007, section 4.1.2.1).
func (q Query) validateAddress() error {
	a := q.Address
	switch {
	case a.IsLinkLocalUnicast() && a.Zone() == "" && !a.Is4():
		if !isSet(q.Link) {
			return fmt.Errorf("address %s: link-local, so a link-address is needed", a)
		}
		return nil
	case !isGlobal(a):
		return fmt.Errorf("address %s: not an IPv6 unicast address that a client may hold", a)
	}
	return nil
}

// validateLink enforces R8. By link-address, "::" would ask for nothing, and
// Kea calls it malformed.
func (q Query) validateLink() error {
	if !isSet(q.Link) {
		if q.Type == ByLinkAddress {
			return errors.New("link-address: missing")
		}
		return nil
	}
	if !isGlobal(q.Link) {
		return fmt.Errorf("link-address %s: not a global IPv6 address", q.Link)
	}
	return nil
}

// isSet tells a real address from "::" and the zero Addr.
func isSet(a netip.Addr) bool { return a.IsValid() && a != netip.IPv6Unspecified() }

// isGlobal reports whether a is an IPv6 unicast address beyond one link.
func isGlobal(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && a.Zone() == "" && a.IsGlobalUnicast()
}

// ownDUID checks a DUID that is to be sent as what.
func ownDUID(what string, duid []byte) error {
	if err := checkDUID(duid); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
